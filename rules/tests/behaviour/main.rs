//! How the rules behave, from outside. One binary, so that it links once; a module for each question.

// `cfg(test)` is always so here; it tells clippy that these are tests, helpers included.
#[cfg(test)]
mod alert_machine;
mod asked;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod lateness;
#[cfg(test)]
mod looking_back;
#[cfg(test)]
mod parameters;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod provenance;
#[cfg(test)]
mod scores;
#[cfg(test)]
mod shipped;
#[cfg(test)]
mod size;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod support;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod what_settles;
