//! Who is signed in to the pages. Sign-in itself comes later; until then the pages of a real service stay shut.

use super::Access;
use actix_web::dev::RequestHead;

/// Tells who a request of the pages or the staff interface is from.
pub trait SignIn: Send + Sync {
    /// The access of whoever is signed in; none where nobody is.
    fn signed_in(&self, request: &RequestHead) -> Option<Access>;
}

/// Nobody can sign in: what `ingest serve` has until sign-in is built.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodySignsIn;

impl SignIn for NobodySignsIn {
    fn signed_in(&self, _request: &RequestHead) -> Option<Access> {
        None
    }
}
