//! The burden benchmark itself on trial: the cohort, the judge, the services, the paper.

#[cfg(test)]
mod cohort;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod paper;
#[cfg(test)]
mod services;
#[cfg(test)]
mod world;
