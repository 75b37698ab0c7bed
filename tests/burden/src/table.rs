//! The table: what a run found, for people to read, and the same figures by name.

use crate::{
    bench::{Came, Point, Run},
    cohort::{CareLevel, Stratum},
    judge::{
        Figures,
        compare::{Equal, detection},
        limits::{number, per_hundred, quantile, upper_of_share, upper_over_seeds},
    },
    ours::family::Family,
    parameters::Class,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most touches of clinicians, and of welfare and equipment, and staff minutes in 100 monitored days: the aims.
const INTENSIVE_AIMS: [f64; 3] = [3.0, 2.0, 15.0];

/// Most touches of any kind in 100 monitored days of condition management.
const MANAGEMENT_AIM: f64 = 1.0;

/// Most instructions to people in 100 monitored days.
const PROMPTS_MAX: f64 = 8.0;

/// Most silenced findings that were followed by harm, in per cent, as an upper limit.
const SILENCED_HARM_MAX: f64 = 0.5;

/// Adds a line to a text.
pub(crate) fn say(out: &mut String, line: std::fmt::Arguments<'_>) {
    *out += &line.to_string();
    out.push('\n');
}

fn sum(figures: &[Figures]) -> Figures {
    let mut all = Figures::default();
    figures.iter().for_each(|one| all.add(one));
    all
}

/// Per 100 monitored days: clinical touches, welfare and equipment touches, staff minutes. As pooled, and the upper limit
/// over seeds.
fn headline(figures: &[Figures]) -> [(f64, f64); 3] {
    let rate = |one: &Figures, count: f64| {
        if one.monitored_days == 0 { 0.0 } else { 100.0 * count / number(one.monitored_days) }
    };
    let minutes = |one: &Figures| number(u64::try_from(one.minutes_milli).unwrap_or(0)) / 1000.0;
    let counts: [&dyn Fn(&Figures) -> f64; 3] = [&|one| number(one.clinical), &|one| number(one.welfare), &minutes];
    counts.map(|count| {
        let all = sum(figures);
        let by_seed: Vec<f64> = figures.iter().map(|one| rate(one, count(one))).collect();
        (rate(&all, count(&all)), upper_over_seeds(&by_seed))
    })
}

/// Whether the aims of a stratum's care level are met; none where there is no aim yet.
fn meets_aim(stratum: Stratum, headline: &[(f64, f64); 3]) -> Option<bool> {
    let [clinical, welfare, minutes] = headline.map(|(_, upper)| upper);
    match stratum.care_level() {
        CareLevel::Intensive => {
            let [most_clinical, most_welfare, most_minutes] = INTENSIVE_AIMS;
            Some(clinical <= most_clinical && welfare <= most_welfare && minutes <= most_minutes)
        }
        CareLevel::Management => Some(clinical + welfare <= MANAGEMENT_AIM),
        CareLevel::CareHome => None,
    }
}

/// The guard rails that a stratum breaks; a breach voids its headline.
fn broken(figures: &Figures) -> Vec<String> {
    let mut broken = Vec::new();
    let prompts = per_hundred(figures.prompts, figures.monitored_days);
    if prompts > PROMPTS_MAX {
        broken.push(format!("{prompts:.1} instructions"));
    }
    if figures.days_over_prompted > 0 {
        broken.push(format!("{} person-days with more than 2", figures.days_over_prompted));
    }
    let harm = upper_of_share(figures.silenced_harm, figures.silenced);
    if harm > SILENCED_HARM_MAX {
        broken.push(format!("silenced harm up to {harm:.1}% of {}", figures.silenced));
    }
    if figures.reds_unseen > 0 {
        broken.push(format!("{} of {} reds unseen", figures.reds_unseen, figures.reds));
    }
    broken
}

/// The stratum with the most touches by upper limit.
fn worst(came: &Came) -> Option<Stratum> {
    let touches = |figures: &[Figures]| {
        let [(_, clinical), (_, welfare), _] = headline(figures);
        clinical + welfare
    };
    let all = came.figures.iter().map(|(stratum, figures)| (*stratum, touches(figures)));
    all.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(stratum, _)| stratum)
}

/// A run as text.
#[must_use]
pub fn text(run: &Run, prints_missed: bool) -> String {
    let mut out = String::new();
    let services = [("A", &run.a), ("B", &run.b), ("ours", &run.ours)];
    let days: u64 = run.a.figures.values().flatten().map(|one| one.monitored_days).sum();
    let of_class = |class| run.a.outcomes.iter().filter(|one| one.is_visible && one.class == class).count();
    say(
        &mut out,
        format_args!(
            "seeds {} to {}, {} readings, {days} monitored days; episodes that could be seen: {} E, {} U, {} R\n",
            run.seeds.0,
            run.seeds.1,
            run.readings,
            of_class(Class::E),
            of_class(Class::U),
            of_class(Class::R)
        ),
    );
    out += "Per 100 monitored days, in brackets the upper 95% limit over seeds; the stratum with the most touches in **bold**.\n\n";
    say(
        &mut out,
        format_args!(
            "| {:<17} | {:<4} | {:>6} | {:>14} | {:>16} | {:>15} | {:>8} | {:<4} |",
            "stratum", "", "silent", "clinical", "welfare, equipm.", "staff minutes", "prompts", "aim"
        ),
    );
    out += "|---|---|---|---|---|---|---|---|\n";
    for stratum in Stratum::ALL {
        for (name, came) in services {
            let Some(figures) = came.figures.get(&stratum) else { continue };
            let all = sum(figures);
            let rates = headline(figures);
            let [clinical, welfare, minutes] = rates.map(|(pooled, upper)| format!("{pooled:.2} ({upper:.2})"));
            let shown =
                if worst(came) == Some(stratum) { format!("**{}**", stratum.name()) } else { stratum.name().into() };
            let aim = match meets_aim(stratum, &rates) {
                Some(true) => "met",
                Some(false) => "no",
                None => "none",
            };
            say(
                &mut out,
                format_args!(
                    "| {shown:<17} | {name:<4} | {:>5.1}% | {clinical:>14} | {welfare:>16} | {minutes:>15} | {:>8.2} | {aim:<4} |",
                    per_hundred(all.silent_days, all.silent_days + all.monitored_days),
                    per_hundred(all.prompts, all.monitored_days)
                ),
            );
        }
    }
    out += "\nDetected of the episodes that could be seen, in per cent; after the stroke informed, without what luck finds; delay at the median and the 90th percentile, in hours.\n\n";
    out += "| stratum           |      | E                      | U                      | R                      |\n|---|---|---|---|---|\n";
    for stratum in Stratum::ALL {
        for (name, came) in services {
            if !came.figures.contains_key(&stratum) {
                continue;
            }
            let cells = [Class::E, Class::U, Class::R].map(|class| detected(came, stratum, class));
            let [e, u, r] = cells;
            say(&mut out, format_args!("| {:<17} | {name:<4} | {e:<22} | {u:<22} | {r:<22} |", stratum.name()));
        }
    }
    guard_rails(&mut out, &services);
    red_floor(&mut out, run);
    equal_detection(&mut out, run);
    if !run.without.is_empty() {
        let names: Vec<&str> = run.without.iter().map(|stratum| stratum.name()).collect();
        say(&mut out, format_args!("\nNo protocol of ours yet for: {}.", names.join(", ")));
    }
    missed(&mut out, run, prints_missed);
    out
}

fn detected(came: &Came, stratum: Stratum, class: Class) -> String {
    let is_in = |one: &crate::judge::Outcome| one.stratum == stratum && one.class == class;
    let (episodes, found, informed) = detection(&came.outcomes, is_in);
    if episodes == 0 {
        return "-".to_owned();
    }
    let found_ones = came.outcomes.iter().filter(|one| is_in(one));
    let mut delays: Vec<i64> = found_ones.filter_map(|one| one.detected).map(|one| one.delay).collect();
    delays.sort_unstable();
    let hours = |hundredths| {
        let secs = quantile(&delays, hundredths).and_then(|secs| i32::try_from(secs).ok());
        secs.map_or_else(|| "-".to_owned(), |secs| format!("{:.1}", f64::from(secs) / 3600.0))
    };
    format!("{found:.0}/{informed:.0} of {episodes}, {} {}", hours(50), hours(90))
}

fn guard_rails(out: &mut String, services: &[(&str, &Came); 3]) {
    *out += "\nGuard rails; a breach voids the headline of its stratum.\n\n";
    *out += "| stratum | | broken | 999 advice in 1,000 days, right | silent days called |\n|---|---|---|---|---|\n";
    for stratum in Stratum::ALL {
        for (name, came) in services {
            let Some(figures) = came.figures.get(&stratum) else { continue };
            let all = sum(figures);
            let broken = broken(&all);
            let broken = if broken.is_empty() { "none".to_owned() } else { broken.join("; ") };
            say(
                out,
                format_args!(
                    "| {} | {name} | {broken} | {:.2}, {:.0}% | {:.0}% |",
                    stratum.name(),
                    10.0 * per_hundred(all.says_999, all.monitored_days),
                    per_hundred(all.right_999, all.says_999),
                    per_hundred(all.silent_days_called, all.silent_days)
                ),
            );
        }
    }
    for (name, came) in services {
        for (why, count) in &came.void {
            say(out, format_args!("\n{name} is void: {count} alerts with {why:?}."));
        }
    }
}

fn red_floor(out: &mut String, run: &Run) {
    *out += "\nWhat binds: clinical touches in 100 monitored days with which every red reading is seen within the hour, at the fewest; and the share of days on which a finding silenced at random would count as harm (the guard rail is 0.5%).\n\n";
    for (stratum, touches) in &run.red_floor {
        let days: u64 = run.a.figures.get(stratum).into_iter().flatten().map(|one| one.monitored_days).sum();
        let (harm, of) = run.harm_by_chance.get(stratum).copied().unwrap_or_default();
        let (floor, harm) = (per_hundred(*touches, days), per_hundred(harm, of));
        say(out, format_args!("- {}: {floor:.2}; {harm:.1}%", stratum.name()));
    }
}

fn equal_detection(out: &mut String, run: &Run) {
    *out += "\nEqual detection: ours against the better of A and B, on the same episodes.\n\n";
    *out += "| class | of | episodes | ours | theirs | lower limit | missed, later | delays ours/theirs, h | |\n|---|---|---|---|---|---|---|---|---|\n";
    for one in &run.paired {
        let equal = match one.equal {
            Equal::Met => "met",
            Equal::NotMet => "not met",
            Equal::TooFew => "too few",
        };
        let hours = |secs: i64| i32::try_from(secs).map_or(f64::INFINITY, |secs| f64::from(secs) / 3600.0);
        let delays = one.delays.map_or_else(
            || "-".to_owned(),
            |pairs| pairs.map(|(mine, theirs)| format!("{:.1}/{:.1}", hours(mine), hours(theirs))).join(" "),
        );
        say(
            out,
            format_args!(
                "| {:?} | {:?} | {} | {:.1}% | {:.1}% ({}) | {:.1} | {}, {} | {delays} | {equal} |",
                one.class, one.cell, one.episodes, one.ours, one.theirs, one.rival, one.lower, one.missed, one.later
            ),
        );
    }
}

fn missed(out: &mut String, run: &Run, prints_missed: bool) {
    say(out, format_args!("\nE episodes that we missed: {}", run.missed.len()));
    let mut by_cause: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for one in &run.missed {
        let found = if one.found_by.is_empty() { "nobody".to_owned() } else { one.found_by.join(" and ") };
        if prints_missed {
            say(out, format_args!("- {}, {}, found by {found}: {}", one.person, one.cause, one.readings.join("; ")));
        }
        *by_cause.entry((&one.cause, found)).or_default() += 1;
    }
    for ((cause, found), count) in by_cause {
        say(out, format_args!("- {count} of {cause}, found by {found}"));
    }
}

/// Our findings by rule and what was found by cause, as text.
#[must_use]
pub fn rules_text(run: &Run) -> String {
    let mut out = String::from(
        "Findings of ours in 100 monitored days, by rule.\n\n| stratum | rule | shown | told again | settled or merged |\n|---|---|---|---|---|\n",
    );
    for ((stratum, rule), counts) in &run.by_rule {
        let days: u64 = run.ours.figures.get(stratum).into_iter().flatten().map(|one| one.monitored_days).sum();
        let [shown, again, silenced] = counts.map(|count| per_hundred(count, days));
        say(&mut out, format_args!("| {} | {rule} | {shown:.2} | {again:.2} | {silenced:.2} |", stratum.name()));
    }
    out += "\nEpisodes that could be seen, and the share found, in per cent.\n\n| stratum | cause | episodes | ours | A | B |\n|---|---|---|---|---|---|\n";
    for ((stratum, cause), [visible, found @ ..]) in &run.by_cause {
        let [ours, a, b] = found.map(|found| per_hundred(found, *visible));
        say(&mut out, format_args!("| {} | {cause} | {visible} | {ours:.1} | {a:.1} | {b:.1} |", stratum.name()));
    }
    out
}

/// Ours as they are and with one family off at a time, as text.
#[must_use]
pub fn ablation_text(all: &[(Option<Family>, Came)]) -> String {
    let mut out = String::from(
        "Ours with one family of operators off at a time. Per 100 monitored days; detected in per cent.\n\n| stratum | off | clinical | welfare, equipm. | staff minutes | prompts | reds unseen | E | U | R |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for stratum in Stratum::ALL {
        for (family, came) in all {
            let Some(figures) = came.figures.get(&stratum) else { continue };
            let sum = sum(figures);
            let [clinical, welfare, minutes] = headline(figures).map(|(pooled, _)| pooled);
            let share = |class| {
                let of = detection(&came.outcomes, |one| one.stratum == stratum && one.class == class);
                let (episodes, found, informed) = of;
                if episodes == 0 { "-".to_owned() } else { format!("{found:.1}/{informed:.1}") }
            };
            let [e, u, r] = [Class::E, Class::U, Class::R].map(share);
            say(
                &mut out,
                format_args!(
                    "| {} | {} | {clinical:.2} | {welfare:.2} | {minutes:.1} | {:.2} | {} | {e} | {u} | {r} |",
                    stratum.name(),
                    family.map_or("nothing", Family::name),
                    per_hundred(sum.prompts, sum.monitored_days),
                    sum.reds_unseen
                ),
            );
        }
    }
    out
}

/// The curve as text.
#[must_use]
pub fn curve_text(points: &[Point]) -> String {
    let mut out = String::from(
        "Curve: touches in 100 monitored days, and per cent of all episodes detected.\n\n| stratum | | -2 | -1 | as it is | +1 | +2 |\n|---|---|---|---|---|---|---|\n",
    );
    for stratum in Stratum::ALL {
        for service in ["A", "B", "ours"] {
            let mut of: Vec<&Point> =
                points.iter().filter(|one| one.stratum == stratum && one.service == service).collect();
            of.sort_by_key(|one| one.setting);
            if !of.is_empty() {
                let cells: Vec<String> =
                    of.iter().map(|one| format!("{:.1}, {:.0}%", one.touches, one.detected)).collect();
                say(&mut out, format_args!("| {} | {service} | {} |", stratum.name(), cells.join(" | ")));
            }
        }
    }
    out
}

/// One service's figures as text, for lines from a file.
#[must_use]
pub fn came_text(came: &Came) -> String {
    let mut out = String::new();
    for (stratum, figures) in &came.figures {
        let all = sum(figures);
        let [clinical, welfare, minutes] = headline(figures).map(|(pooled, _)| pooled);
        let cells = [Class::E, Class::U, Class::R].map(|class| detected(came, *stratum, class));
        say(
            &mut out,
            format_args!(
                "{}: {} monitored days; in 100: {clinical:.2} clinical, {welfare:.2} welfare and equipment, {minutes:.1} minutes; E {}; U {}; R {}",
                stratum.name(),
                all.monitored_days,
                cells.first().map_or("", String::as_str),
                cells.get(1).map_or("", String::as_str),
                cells.get(2).map_or("", String::as_str)
            ),
        );
    }
    for (why, count) in &came.void {
        say(&mut out, format_args!("void: {count} alerts with {why:?}"));
    }
    out
}

/// A run by name.
#[must_use]
pub fn json(run: &Run, points: &[Point]) -> Value {
    let of = |came: &Came| -> Value {
        let strata = came.figures.iter().map(|(stratum, figures)| {
            let all = sum(figures);
            let [clinical, welfare, minutes] = headline(figures);
            let classes = [Class::E, Class::U, Class::R].map(|class| {
                let (episodes, detected, informed) =
                    detection(&came.outcomes, |one| one.stratum == *stratum && one.class == class);
                (format!("{class:?}"), json!({"episodes": episodes, "detected": detected, "informed": informed}))
            });
            let limited = |(pooled, upper): (f64, f64)| json!({"pooled": pooled, "upper": upper});
            let touches = serde_json::to_value(&all.touches).unwrap_or_default();
            let value = json!({
                "monitored_days": all.monitored_days, "silent_days": all.silent_days,
                "silent_days_called": all.silent_days_called, "touches": touches,
                "clinical_per_100": limited(clinical), "welfare_per_100": limited(welfare),
                "minutes_per_100": limited(minutes), "prompts": all.prompts,
                "days_over_prompted": all.days_over_prompted, "says_999": all.says_999, "right_999": all.right_999,
                "silenced": all.silenced, "silenced_harm": all.silenced_harm, "reds": all.reds,
                "reds_unseen": all.reds_unseen, "episodes": all.episodes, "visible_episodes": all.visible_episodes,
                "guard_rails_broken": broken(&all), "detection": classes.into_iter().collect::<serde_json::Map<_, _>>(),
            });
            (stratum.name().to_owned(), value)
        });
        strata.collect::<serde_json::Map<_, _>>().into()
    };
    json!({
        "seeds": run.seeds, "readings": run.readings, "A": of(&run.a), "B": of(&run.b), "ours": of(&run.ours),
        "without_protocol": run.without, "equal_detection": run.paired, "missed": run.missed, "curve": points,
    })
}
