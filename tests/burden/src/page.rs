//! The page `docs/reference/burden.md`: what is measured, and every number it rests on, from the data files.

use crate::{
    bench::NotRun,
    cohort::Stratum,
    ours::in_force,
    parameters::{self, Grade, Parameters},
    table::say,
    thresholds::{self, Judged},
};

/// What stands above the tables.
const ABOVE: &str = include_str!("page.md");

/// What was measured last, as the program printed it.
const MEASURED: &str = include_str!("measured.md");

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Published => "published",
        Grade::Derived => "derived",
        Grade::Assumption => "assumption",
    }
}

/// The page.
///
/// # Errors
/// [`NotRun`] where a data file does not read.
pub fn page() -> Result<String, NotRun> {
    let parameters = Parameters::read(parameters::FILE)?;
    let judged = Judged::read(thresholds::FILE, parameters.causes())?;
    let mut page = format!("{ABOVE}\n{MEASURED}");
    page += "\n## Minutes of a touch\n\n| touch | minutes | grade | source |\n|---|---|---|---|\n";
    for (touch, minutes) in &judged.minutes {
        let name = serde_json::to_string(touch).unwrap_or_default().replace(['"', '_'], " ");
        let (whole, tenths) = (minutes.milli / 1000, minutes.milli % 1000 / 100);
        say(
            &mut page,
            format_args!("| {} | {whole}.{tenths} | {} | {} |", name.trim(), grade(minutes.grade), minutes.source),
        );
    }
    page += "\n## Bounds of the comparators\n\n| rule | bound | for | may detect | source |\n|---|---|---|---|---|\n";
    for one in &judged.thresholds {
        let bound = match (&one.above, &one.below) {
            (Some(above), _) => format!("at least {above}"),
            (None, Some(below)) => format!("at most {below}"),
            (None, None) => String::new(),
        };
        let from = if one.from_usual { " from usual" } else { "" };
        let rise = one.rise_in_days.map_or_else(String::new, |days| format!(" above the lowest of {days} days"));
        let strata: Vec<&str> = one.strata.iter().map(|stratum| stratum.name()).collect();
        let target = match one.scale_2 {
            Some(true) => " with a target of 88 to 92%",
            Some(false) => " without a target of 88 to 92%",
            None => "",
        };
        let causes: Vec<&str> = one.causes.iter().map(String::as_str).collect();
        say(
            &mut page,
            format_args!(
                "| `{}` ({:?}) | {} {bound}{from}{rise} | {}{target} | {} | {} |",
                one.rule,
                one.priority,
                one.signal.name(),
                strata.join(", "),
                causes.join(", "),
                one.source
            ),
        );
    }
    ours(&mut page)?;
    page += "\n## What the cohort is made of\n\n| cause | class | ends in hospital |\n|---|---|---|\n";
    for cause in parameters.causes() {
        let hospital = if cause.is_admitted { "yes" } else { "no" };
        say(&mut page, format_args!("| `{}` | {:?} | {hospital} |", cause.name, cause.class));
    }
    let graded = |grade| parameters.rows().iter().filter(|row| row.grade == grade).count();
    say(
        &mut page,
        format_args!(
            "\n{} parameters: {} published, {} derived from published figures, {} assumptions of ours.\n",
            parameters.rows().len(),
            graded(Grade::Published),
            graded(Grade::Derived),
            graded(Grade::Assumption)
        ),
    );
    page += "| parameter | value | unit | grade | source |\n|---|---|---|---|---|\n";
    for row in parameters.rows() {
        say(
            &mut page,
            format_args!(
                "| `{}` | {} | {} | {} | {} |",
                row.id,
                row.value,
                row.unit,
                grade(row.grade),
                parameters.source(&row.source)
            ),
        );
    }
    Ok(page)
}

/// Which of our protocols are for whom, and what a clinic sets.
fn ours(page: &mut String) -> Result<(), NotRun> {
    let file = in_force::File::read(in_force::FILE)?;
    *page += "\n## Our protocols in it\n\n| protocol | for | because |\n|---|---|---|\n";
    let names = |strata: &[Stratum]| strata.iter().map(|stratum| stratum.name()).collect::<Vec<_>>().join(", ");
    let target = |scale_2| match scale_2 {
        Some(true) => " with a target of 88 to 92%",
        Some(false) => " without a target of 88 to 92%",
        None => "",
    };
    for one in &file.protocol {
        say(page, format_args!("| `{}` | {}{} | {} |", one.pack, names(&one.strata), target(one.scale_2), one.why));
    }
    *page += "\n| set for each person | from | kept between | for | why |\n|---|---|---|---|---|\n";
    for one in &file.own {
        let from = match (one.usual, one.usual_news2) {
            (Some(signal), _) => format!("usual {}", signal.name()),
            (None, true) => "usual NEWS2".to_owned(),
            (None, false) => String::new(),
        };
        let by = one.by.as_deref().unwrap_or("0");
        let (least, most) = (one.at_least.as_deref().unwrap_or("-"), one.at_most.as_deref().unwrap_or("-"));
        let strata = one.strata.as_deref().map_or_else(|| "all".to_owned(), names);
        say(
            page,
            format_args!(
                "| `{}` {} | {from} {by} | {least}, {most} | {strata}{} | {} |",
                one.pack,
                one.param,
                target(one.scale_2),
                one.why
            ),
        );
    }
    Ok(())
}
