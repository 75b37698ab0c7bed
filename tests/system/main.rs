//! The system tests: the whole house, from outside. One binary, so that it links once; a module for each question.

// `cfg(test)` is always so here; it tells clippy that these are tests, helpers included.
#[cfg(test)]
mod admitted;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod bluetooth;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod decode;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod records;
#[cfg(test)]
mod roster;
#[cfg(test)]
mod serial;
#[cfg(test)]
mod store;
#[cfg(test)]
mod stored_before;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod verify;
