//! The files that pages need, compiled in: nothing is installed and no other host is asked.
//!
//! Invariant: the path of a file holds a digest of its contents, so what a path gives never changes and may be cached
//! for ever.

use std::sync::LazyLock;

/// What every asset path begins with.
pub const PREFIX: &str = "/assets/";
/// The `cache-control` header of an asset: a year, which is as long as browsers keep anything.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";
/// Hexadecimal digits of the digest in a path: 64 bits tell the versions of one file apart.
const DIGEST_CHARS: usize = 16;

/// One file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The contents.
    pub bytes: &'static [u8],
    /// The `content-type` header.
    pub content_type: &'static str,
    /// The `etag` header, quotes included.
    pub etag: &'static str,
}

/// The file at a path, as the pages name it; `None` for any other path, an older version's included.
///
/// ```
/// use look::assets;
/// let css = assets::get(assets::own_css()).unwrap();
/// assert_eq!(css.content_type, "text/css; charset=utf-8");
/// assert_eq!(assets::get("/assets/derwent.css"), None);
/// ```
#[must_use]
pub fn get(path: &str) -> Option<Asset> {
    let file = FILES.all().into_iter().find(|file| file.path == path)?;
    Some(Asset { bytes: file.bytes, content_type: file.content_type, etag: &file.etag })
}

/// Every path there is, for example to write the files to a folder.
#[must_use]
pub fn paths() -> [&'static str; 3] {
    FILES.all().map(|file| file.path.as_str())
}

/// The path of the vendored NHS.UK frontend style sheet.
#[must_use]
pub fn framework_css() -> &'static str {
    &FILES.framework_css.path
}

/// The path of our own style sheet.
#[must_use]
pub fn own_css() -> &'static str {
    &FILES.own_css.path
}

/// The path of the icon.
#[must_use]
pub fn icon() -> &'static str {
    &FILES.icon.path
}

struct File {
    path: String,
    etag: String,
    content_type: &'static str,
    bytes: &'static [u8],
}

struct Files {
    framework_css: File,
    own_css: File,
    icon: File,
}

impl Files {
    fn all(&self) -> [&File; 3] {
        [&self.framework_css, &self.own_css, &self.icon]
    }
}

const CSS: &str = "text/css; charset=utf-8";

static FILES: LazyLock<Files> = LazyLock::new(|| Files {
    framework_css: file("nhsuk-frontend", "css", CSS, include_bytes!("../assets/nhsuk-frontend.min.css")),
    own_css: file("derwent", "css", CSS, include_bytes!("../assets/derwent.css")),
    icon: file("icon", "png", "image/png", include_bytes!("../assets/icon.png")),
});

fn file(name: &str, ending: &str, content_type: &'static str, bytes: &'static [u8]) -> File {
    let digest: String = blake3::hash(bytes).to_hex().chars().take(DIGEST_CHARS).collect();
    File { path: format!("{PREFIX}{name}-{digest}.{ending}"), etag: format!("\"{digest}\""), content_type, bytes }
}
