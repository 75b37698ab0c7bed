//! The system tests: the whole house, from outside. One binary, so that it links once; a module for each question.

// `cfg(test)` is always so here; it tells clippy that these are tests, helpers included.
#[cfg(test)]
mod admitted;
#[cfg(test)]
mod bluetooth;
#[cfg(test)]
mod decode;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod serial;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tools;
