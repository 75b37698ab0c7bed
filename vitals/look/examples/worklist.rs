//! Writes the pages and their assets to a folder, to be looked at: `cargo run -p look --example worklist -- FOLDER`.
//!
//! Links to assets begin with a slash, so serve the folder: `python3 -m http.server --directory FOLDER`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use look::{AlertRow, BackLink, Notice, ProblemPage, Urgency, WorklistPage, assets};
use std::{error::Error, fs, path::Path};
use vitals::ErrorCode;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder to write to")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("assets"))?;
    for path in assets::paths() {
        let asset = assets::get(path).ok_or("an asset has no contents")?;
        fs::write(folder.join(path.trim_start_matches('/')), asset.bytes)?;
    }
    let done = Notice::Done("You are dealing with the alert for Dev Madeupson.".to_owned());
    let hostile = AlertRow {
        ..sample::alert(
            Urgency::ActNow,
            sample::person("\u{202e}drah <script>alert('x')</script>", None),
            "\"><b>bold</b>",
            0,
        )
    };
    let problem = ProblemPage {
        service_name: sample::page().service_name,
        banner: sample::page().banner,
        code: ErrorCode::AlertAlreadyAcknowledged,
        back: Some(BackLink { path: "/", words: "Back to the worklist" }),
    };
    for (name, html) in [
        ("worklist.html", sample::page().html()?),
        ("done.html", WorklistPage { notice: Some(done), ..sample::page() }.html()?),
        (
            "refused.html",
            WorklistPage { notice: Some(Notice::Refused(ErrorCode::AlertAlreadyAcknowledged)), ..sample::page() }
                .html()?,
        ),
        ("empty.html", sample::empty_page().html()?),
        ("hostile.html", WorklistPage { alerts: vec![hostile], ..sample::page() }.html()?),
        ("problem.html", problem.html()?),
    ] {
        fs::write(folder.join(name), html)?;
    }
    Ok(())
}
