//! Codes of other people's systems for what we call by name: IEEE 11073 (MDC), SNOMED CT, LOINC, UCUM.
//!
//! Invariant: every code has its source beside it; what we have no source for has no code. The codes of numbers are in
//! the catalogue, those of words beside the word ([`crate::measure::Acvpu::snomed`]); here is what belongs to neither.

pub mod bits;
pub mod mdc;
pub mod news2;
pub mod uk_core;
