//! The document as people read it: a page at `/api`, from files that are compiled in.
//!
//! Invariant: the page runs our own files and nothing else, asks nobody but us, and can send nothing: it only reads the
//! document.

use super::super::Refusal;
use actix_web::{HttpResponse, http::header, web};
use vitals::ErrorCode;

/// Where the page is.
pub(in crate::http) const VIEWER_PATH: &str = "/api";

/// Where its files are.
pub(in crate::http) const VIEWER_FILE_PATH: &str = "/api/{file}";

/// What the page may do. Pictures are in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const PAGE: &str = include_str!("../../../assets/swagger-ui/index.html");

/// The files: name, type, contents. `assets/swagger-ui/README.md` says from where, under which licence and with which sums.
const FILES: &[(&str, &str, &str)] = &[
    (
        "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
        include_str!("../../../assets/swagger-ui/swagger-ui-bundle.js"),
    ),
    ("swagger-ui.css", "text/css; charset=utf-8", include_str!("../../../assets/swagger-ui/swagger-ui.css")),
    ("show.js", "text/javascript; charset=utf-8", include_str!("../../../assets/swagger-ui/show.js")),
    ("LICENSE.txt", "text/plain; charset=utf-8", include_str!("../../../assets/swagger-ui/LICENSE.txt")),
    ("NOTICE.txt", "text/plain; charset=utf-8", include_str!("../../../assets/swagger-ui/NOTICE.txt")),
    (
        "swagger-ui-bundle.js.LICENSE.txt",
        "text/plain; charset=utf-8",
        include_str!("../../../assets/swagger-ui/swagger-ui-bundle.js.LICENSE.txt"),
    ),
];

/// The names of the files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, ..)| *name)
}

fn answer(kind: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "same-origin"))
        .body(body)
}

/// `GET /api`.
pub(in crate::http) async fn show() -> HttpResponse {
    answer("text/html; charset=utf-8", PAGE)
}

/// `GET /api/{file}`.
pub(in crate::http) async fn file(file: web::Path<String>) -> Result<HttpResponse, Refusal> {
    let known = FILES.iter().find(|(name, ..)| *name == file.as_str());
    known.map(|(_, kind, contents)| answer(kind, contents)).ok_or_else(|| ErrorCode::NotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_files_are_those_whose_sums_were_written_down_and_the_page_names_no_other_host() {
        let readme = include_str!("../../../assets/swagger-ui/README.md");
        let sum = |contents: &str| vitals::hex::encode(Sha256::digest(contents).as_slice());
        for name in ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE.txt"] {
            let (_, _, contents) = FILES.iter().find(|(known, ..)| *known == name).unwrap();
            assert!(readme.contains(&sum(contents)), "{name}");
            assert!(!readme.contains(&sum(&format!("{contents} "))), "{name}, changed");
        }
        assert!(!PAGE.contains("://") && !PAGE.contains("style=") && !PAGE.contains("onload"));
        for part in PAGE.split(['"', '>']).filter(|part| part.starts_with("/api/")) {
            assert!(names().any(|name| part == format!("/api/{name}")), "{part}");
        }
    }
}
