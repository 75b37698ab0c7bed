//! The matrix of access: every route, asked by every role, in every relationship to the person it is about, in every state
//! of a session, against a table that is written out here and shares nothing with the service's own.
//!
//! A policy that lets one team read another's people is planted in the same run, and the matrix must see it.

use super::{
    county::{Answered, County, at, everywhere, item, nhs_number, patient, request, staff, staff_id, with_cookie},
    matrix_plant::LooksForEverybody,
};
use chrono::{DateTime, TimeDelta, Utc};
use harness::{clock::time_of, fault::put_before, service::Wrap};
use ingest::{
    http::{Route, routes},
    store::{Slice, Store, Subject},
};
use register::Item;
use rules::Event;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use vitals::{AlertId, PatientId};

/// What each role may do, by the words of the reference; the tenth holds no post.
const ROLES: [(&str, &[&str]); 10] = [
    (
        "case_manager",
        &[
            "see-readings",
            "take-alerts",
            "see-details",
            "write-details",
            "see-plan",
            "write-consent",
            "assign-devices",
            "see-places",
            "see-devices",
            "take-emergency",
        ],
    ),
    (
        "clinician",
        &[
            "see-readings",
            "take-alerts",
            "see-details",
            "write-details",
            "see-plan",
            "write-plan",
            "write-consent",
            "assign-devices",
            "see-places",
            "see-devices",
            "take-emergency",
        ],
    ),
    ("home_staff", &["see-readings", "take-alerts", "see-details", "see-plan", "assign-devices", "see-places"]),
    (
        "home_manager",
        &[
            "see-readings",
            "take-alerts",
            "see-details",
            "write-details",
            "see-plan",
            "write-consent",
            "assign-devices",
            "see-places",
            "see-devices",
        ],
    ),
    ("administrator", &["see-details", "write-details", "see-places", "write-places", "write-staff", "see-devices"]),
    ("equipment", &["see-details", "assign-devices", "see-places", "see-devices", "write-devices", "write-hubs"]),
    ("clinical_lead", &["see-places", "write-protocols"]),
    ("clinical_safety_officer", &["see-places"]),
    ("privacy_officer", &["see-places", "see-log", "export", "erase"]),
    ("none", &[]),
];

/// How the one who asks stands to the person it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    OwnTeam,
    OtherTeam,
    OtherTrust,
    Resident,
    ObjectsToThem,
    ObjectsToTeam,
    ObjectsToTrust,
    Emergency,
    MovedAway,
}

use Relation::*;

const RELATIONS: [Relation; 9] =
    [OwnTeam, OtherTeam, OtherTrust, Resident, ObjectsToThem, ObjectsToTeam, ObjectsToTrust, Emergency, MovedAway];

/// The person each relation is to, in the same order.
pub(super) const TARGETS: [&str; 9] = [
    "pt-own",
    "pt-other-team",
    "pt-other-trust",
    "pt-resident",
    "pt-objects-them",
    "pt-objects-team",
    "pt-objects-trust",
    "pt-emergency",
    "pt-moved",
];

impl Relation {
    fn target(self) -> &'static str {
        RELATIONS.iter().position(|relation| *relation == self).map(|place| TARGETS[place]).unwrap()
    }

    /// The number that the person's own is made from.
    fn number(self) -> u32 {
        (100..).zip(RELATIONS).find(|(_, relation)| *relation == self).map(|(n, _)| n).unwrap()
    }

    /// Where the one who asks works.
    fn place(self) -> Value {
        match self {
            OwnTeam | ObjectsToThem | ObjectsToTeam | ObjectsToTrust => json!({ "team": "tm-a" }),
            OtherTeam | MovedAway => json!({ "team": "tm-b" }),
            OtherTrust | Emergency => json!({ "team": "tm-c" }),
            Resident => json!({ "home": "hm-oak" }),
        }
    }

    fn is_at_team_a(self) -> bool {
        matches!(self, OwnTeam | ObjectsToThem | ObjectsToTeam | ObjectsToTrust)
    }
}

/// A session, or what is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    None,
    Garbage,
    TwoCookies,
    IdleOut,
    Live,
    HasLeft,
    FirstPassword,
}

const SESSIONS: [Session; 7] = [
    Session::None,
    Session::Garbage,
    Session::TwoCookies,
    Session::IdleOut,
    Session::Live,
    Session::HasLeft,
    Session::FirstPassword,
];

/// Every route with what it needs; `{target}`, `{alert}` and `{reviewed}` are of the person it is about.
const TABLE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/batches", "hub"),
    ("POST", "/v1/hello", "hub"),
    ("POST", "/v1/enrol", "code"),
    ("POST", "/v1/hubs/{hub}/code", "write-hubs"),
    ("POST", "/v1/staff/{staff}/account", "write-staff"),
    ("DELETE", "/v1/staff/{staff}/account", "write-staff"),
    ("GET", "/v1/session", "signed-in"),
    ("POST", "/v1/session", "anybody"),
    ("DELETE", "/v1/session", "signed-in"),
    ("POST", "/v1/session/password", "signed-in"),
    ("GET", "/v1/alerts", "see-readings"),
    ("POST", "/v1/alerts/{id}/acknowledge", "take-alerts"),
    ("GET", "/v1/people/{patient}", "see-details"),
    ("GET", "/v1/people/{patient}/log", "see-log"),
    ("GET", "/v1/people/{patient}/export", "export"),
    ("GET", "/v1/people/{patient}/incident", "export"),
    ("GET", "/v1/people/{patient}/ended", "erase"),
    ("POST", "/v1/people/{patient}/readings/{reading}/entered-in-error", "take-alerts"),
    ("POST", "/v1/people/{patient}/readings/{reading}/move", "take-alerts"),
    ("POST", "/v1/people/{patient}/readings/{reading}/count-again", "take-alerts"),
    ("POST", "/v1/people/{patient}/emergency", "take-emergency"),
    ("POST", "/v1/lists/roster", "write-details"),
    ("POST", "/v1/lists/status", "write-details"),
    ("POST", "/v1/imports/{import}/undo", "write-details"),
    ("GET", "/v1/emergencies", "see-log"),
    ("POST", "/v1/emergencies/{id}/review", "see-log"),
    ("GET", "/livez", "anybody"),
    ("GET", "/readyz", "anybody"),
    ("GET", "/v1/openapi.json", "anybody"),
    ("GET", "/api", "anybody"),
    ("GET", "/api/{file}", "anybody"),
    ("GET", "/metrics", "anybody"),
    ("GET", "/", "see-readings"),
    ("POST", "/alerts/{id}/acknowledge", "take-alerts"),
    ("GET", "/sign-in", "anybody"),
    ("POST", "/sign-in", "anybody"),
    ("POST", "/sign-out", "signed-in"),
    ("GET", "/password", "signed-in"),
    ("POST", "/password", "signed-in"),
    ("GET", "/assets/{file}", "anybody"),
    ("GET", "/v1/register/organisation", "see-places"),
    ("GET", "/v1/register/organisation/{key}", "see-places"),
    ("PUT", "/v1/register/organisation/{key}", "write-places"),
    ("GET", "/v1/register/organisation/{key}/versions", "see-places"),
    ("GET", "/v1/register/team", "see-places"),
    ("GET", "/v1/register/team/{key}", "see-places"),
    ("PUT", "/v1/register/team/{key}", "write-places"),
    ("GET", "/v1/register/team/{key}/versions", "see-places"),
    ("GET", "/v1/register/home", "see-places"),
    ("GET", "/v1/register/home/{key}", "see-places"),
    ("PUT", "/v1/register/home/{key}", "write-places"),
    ("GET", "/v1/register/home/{key}/versions", "see-places"),
    ("GET", "/v1/register/staff", "see-places"),
    ("GET", "/v1/register/staff/{key}", "see-places"),
    ("PUT", "/v1/register/staff/{key}", "write-staff"),
    ("GET", "/v1/register/staff/{key}/versions", "see-places"),
    ("GET", "/v1/register/device", "see-devices"),
    ("GET", "/v1/register/device/{key}", "see-devices"),
    ("PUT", "/v1/register/device/{key}", "write-devices"),
    ("GET", "/v1/register/device/{key}/versions", "see-devices"),
    ("GET", "/v1/register/hub", "see-devices"),
    ("GET", "/v1/register/hub/{key}", "see-devices"),
    ("PUT", "/v1/register/hub/{key}", "write-hubs"),
    ("GET", "/v1/register/hub/{key}/versions", "see-devices"),
    ("GET", "/v1/register/patient", "see-details"),
    ("GET", "/v1/register/patient/{key}", "see-details"),
    ("PUT", "/v1/register/patient/{key}", "write-details"),
    ("GET", "/v1/register/patient/{key}/versions", "see-details"),
    ("GET", "/v1/register/health/{key}", "see-plan"),
    ("PUT", "/v1/register/health/{key}", "write-plan"),
    ("GET", "/v1/register/health/{key}/versions", "see-plan"),
    ("GET", "/v1/register/plan/{key}", "see-plan"),
    ("PUT", "/v1/register/plan/{key}", "write-plan"),
    ("GET", "/v1/register/plan/{key}/versions", "see-plan"),
    ("GET", "/v1/register/carer/{key}", "write-consent"),
    ("PUT", "/v1/register/carer/{key}", "write-consent"),
    ("GET", "/v1/register/carer/{key}/versions", "write-consent"),
    ("GET", "/v1/register/assignment/{key}", "assign-devices"),
    ("PUT", "/v1/register/assignment/{key}", "assign-devices"),
    ("GET", "/v1/register/assignment/{key}/versions", "assign-devices"),
    ("GET", "/v1/register/consent/{key}", "write-consent"),
    ("PUT", "/v1/register/consent/{key}", "write-consent"),
    ("GET", "/v1/register/consent/{key}/versions", "write-consent"),
    ("GET", "/v1/register/objection/{key}", "write-consent"),
    ("PUT", "/v1/register/objection/{key}", "write-consent"),
    ("GET", "/v1/register/objection/{key}/versions", "write-consent"),
    ("GET", "/v1/register/emergency/{key}", "see-log"),
    ("GET", "/v1/register/emergency/{key}/versions", "see-log"),
    ("GET", "/v1/register/erasure/{key}", "erase"),
    ("PUT", "/v1/register/erasure/{key}", "erase"),
    ("GET", "/v1/register/erasure/{key}/versions", "erase"),
    ("GET", "/v1/register/hold/{key}", "erase"),
    ("PUT", "/v1/register/hold/{key}", "erase"),
    ("GET", "/v1/register/hold/{key}/versions", "erase"),
    ("GET", "/v1/register/place_plan", "see-places"),
    ("GET", "/v1/register/place_plan/{key}", "see-places"),
    ("PUT", "/v1/register/place_plan/{key}", "write-protocols"),
    ("GET", "/v1/register/place_plan/{key}/versions", "see-places"),
];

/// One cell: a route, who asks, and how.
#[derive(Clone, Copy)]
struct CellOf<'a> {
    method: &'a str,
    path: &'a str,
    needs: &'a str,
    role: &'a str,
    relation: Relation,
    session: Session,
}

impl CellOf<'_> {
    /// Whether the permission is held at all, and so whether the door opens.
    fn holds(&self, permission: &str) -> bool {
        let of_role =
            ROLES.iter().find(|(role, _)| *role == self.role).is_some_and(|(_, may)| may.contains(&permission));
        of_role || self.opened_by_emergency(permission)
    }

    /// In this county only those took emergency access who may.
    fn opened_by_emergency(&self, permission: &str) -> bool {
        let took = self.relation == Emergency && ["case_manager", "clinician"].contains(&self.role);
        took && ["see-readings", "take-alerts", "see-details", "see-plan"].contains(&permission)
    }

    /// Whether the permission is held for the person it is about.
    fn covers_target(&self, permission: &str) -> bool {
        let is_for_care = !["see-log", "export", "erase"].contains(&permission);
        match self.relation {
            OwnTeam | Resident => self.holds(permission),
            ObjectsToThem | ObjectsToTeam | ObjectsToTrust => self.holds(permission) && !is_for_care,
            Emergency => self.opened_by_emergency(permission),
            OtherTeam | OtherTrust | MovedAway => false,
        }
    }

    /// The kind of a route of the register, and what lets somebody see it.
    fn kind(&self) -> Option<(&str, &str)> {
        let kind = self.path.strip_prefix("/v1/register/")?.split('/').next()?;
        let see =
            TABLE.iter().find(|(method, path, _)| *method == "GET" && *path == format!("/v1/register/{kind}/{{key}}"));
        see.map(|(_, _, see)| (kind, *see))
    }

    /// What the answer must be: its status, and the code of a refusal.
    fn expected(&self) -> (u16, Option<&'static str>) {
        const STALE: (u16, Option<&str>) = (409, Some("item_stale"));
        const FORBIDDEN: (u16, Option<&str>) = (403, Some("not_allowed"));
        const NO_SUCH: (u16, Option<&str>) = (404, Some("item_not_found"));
        match (self.method, self.path, self.needs) {
            (_, _, "hub") => return (401, Some("signature_missing")),
            (_, _, "code") => return (400, Some("body_malformed")),
            ("POST", "/v1/session" | "/sign-in", _) => return (400, Some("body_malformed")),
            (_, _, "anybody") => return (200, None),
            _ => {}
        }
        let is_page = !self.path.starts_with("/v1/");
        let is_known = matches!(self.session, Session::Live | Session::FirstPassword) && self.role != "none";
        if !is_known {
            return if is_page && self.method == "GET" { (303, None) } else { (401, Some("sign_in_required")) };
        }
        match (self.method, self.path) {
            ("GET", "/v1/session" | "/password") => return (200, None),
            ("DELETE", "/v1/session") => return (204, None),
            ("POST", "/v1/session/password" | "/password") => return (400, Some("body_malformed")),
            ("POST", "/sign-out") => return (403, Some("form_expired")),
            _ => {}
        }
        if self.session == Session::FirstPassword {
            return if is_page { (303, None) } else { (403, Some("password_change_needed")) };
        }
        if !self.holds(self.needs) {
            return FORBIDDEN;
        }
        let sees = |permission| self.covers_target(permission);
        match (self.method, self.path) {
            ("GET", "/" | "/v1/alerts" | "/v1/emergencies") => (200, None),
            ("POST", "/alerts/{id}/acknowledge") => (403, Some("form_expired")),
            ("POST", "/v1/alerts/{id}/acknowledge") if sees("take-alerts") => (409, Some("alert_already_acknowledged")),
            ("POST", "/v1/alerts/{id}/acknowledge") => (404, Some("alert_not_found")),
            ("POST", "/v1/hubs/{hub}/code") => NO_SUCH,
            // Somebody of team A.
            (_, "/v1/staff/{staff}/account") if !self.relation.is_at_team_a() => FORBIDDEN,
            ("POST", "/v1/staff/{staff}/account") => (201, None),
            ("DELETE", "/v1/staff/{staff}/account") => (204, None),
            ("POST", "/v1/people/{patient}/emergency") => (422, Some("item_not_in_order")),
            ("POST", "/v1/emergencies/{id}/review") => {
                if sees("see-log") {
                    STALE
                } else {
                    NO_SUCH
                }
            }
            ("GET", "/v1/people/{patient}") => {
                if sees("see-details") {
                    (200, None)
                } else {
                    NO_SUCH
                }
            }
            // The other person is nobody they may act for.
            ("POST", "/v1/people/{patient}/readings/{reading}/move") => NO_SUCH,
            ("POST", path) if path.starts_with("/v1/people/{patient}/readings/") => {
                if sees("take-alerts") {
                    (404, Some("reading_not_found"))
                } else {
                    NO_SUCH
                }
            }
            // Nobody here keeps the whole footprint, which lists are about.
            ("POST", "/v1/lists/roster" | "/v1/lists/status" | "/v1/imports/{import}/undo") => FORBIDDEN,
            // Nobody's record has ended here.
            ("GET", "/v1/people/{patient}/ended") => NO_SUCH,
            ("GET", "/v1/people/{patient}/export" | "/v1/people/{patient}/incident") => {
                if sees("export") {
                    (200, None)
                } else {
                    NO_SUCH
                }
            }
            ("GET", "/v1/people/{patient}/log") => {
                if sees("see-log") {
                    (200, None)
                } else {
                    NO_SUCH
                }
            }
            _ => {
                let (kind, see) = self.kind().expect("only the register is left");
                let of_nobody = ["organisation", "team", "home", "staff", "device", "hub", "place_plan"];
                let is_about_target = !of_nobody.contains(&kind);
                let is_list = !self.path.contains("{key}");
                match (self.method, kind) {
                    // A hub says who is on it.
                    ("GET", "hub") if !is_list && !self.relation.is_at_team_a() => NO_SUCH,
                    ("GET", _) if is_list || !is_about_target || sees(see) => (200, None),
                    ("GET", _) => NO_SUCH,
                    // The posts of this county are at teams and at a home, never at a whole trust.
                    (_, "organisation" | "team" | "home") => FORBIDDEN,
                    (_, "staff" | "hub" | "place_plan") => {
                        if self.relation.is_at_team_a() {
                            STALE
                        } else {
                            FORBIDDEN
                        }
                    }
                    (_, "device") => STALE,
                    (_, _) if sees(see) => {
                        if sees(self.needs) {
                            STALE
                        } else {
                            FORBIDDEN
                        }
                    }
                    // For all they know it is somebody new for their own team; the register knows better.
                    (_, "patient") if self.relation.is_at_team_a() || self.relation == MovedAway => STALE,
                    (_, _) => FORBIDDEN,
                }
            }
        }
    }

    /// Whether something of the person may stand in the answer.
    fn may_tell(&self) -> bool {
        self.session == Session::Live && self.expected().0 == 200 && {
            let see = self.kind().map_or(self.needs, |(_, see)| see);
            self.covers_target(see)
        }
    }
}

fn staff_of(role: &str, relation: Relation, left: bool) -> String {
    let (role, relation) = (role.replace('_', "-"), relation.target().trim_start_matches("pt-"));
    let short: String = role.chars().take(12).collect();
    format!("st-{short}-{relation}{}", if left { "-left" } else { "" })
}

/// Who is who, and what there is of each of them.
struct Scene {
    county: County,
    alerts: BTreeMap<&'static str, AlertId>,
}

/// The id of a record about somebody.
fn record(what: &str, target: &str) -> String {
    format!("rc-{what}-{}", target.trim_start_matches("pt-"))
}

impl Scene {
    async fn new(wrap: Wrap<dyn Store>) -> Self {
        let county = County::new(wrap).await;
        let mut items = vec![
            item(
                json!({ "device": { "id": "dv-1", "what": "monitor", "maker": "Maker", "model": "One", "state": "sent" } }),
            ),
            item(json!({ "hub": { "id": "hub-a", "place": { "team": "tm-a" }, "patients": [], "keys": [] } })),
            staff("st-target", "clinical_lead", json!({ "team": "tm-a" }), false),
            in_force_everywhere(),
            item(json!({ "place_plan": { "id": "rc-tm-a", "place": { "team": "tm-a" } } })),
        ];
        for relation in RELATIONS {
            items.extend(about(relation));
            for (role, _) in ROLES {
                items.push(staff(&staff_of(role, relation, false), role, relation.place(), false));
                items.push(staff(&staff_of(role, relation, true), role, relation.place(), true));
            }
        }
        county.write(items).await;
        // Moved away after all that was recorded: history stays, access does not.
        county.write([patient("pt-moved", 108, Some("tm-c"), None)]).await;
        let alerts: BTreeMap<&str, AlertId> = TARGETS.into_iter().zip(county.alerts(&TARGETS).await).collect();
        let taker = everywhere(&TARGETS);
        let by = taker.actor().unwrap().clone();
        let take = |(target, alert): (&&str, &AlertId)| Slice {
            subject: Subject::Patient(PatientId::parse(target).unwrap()),
            events: vec![Event::Acknowledged { alert: *alert, by: by.clone(), note: None }],
        };
        county.apply(&taker, alerts.iter().map(take).collect()).await;
        Self { county, alerts }
    }

    /// The path and the body of a cell's request. Nothing here changes anything, so that every cell finds the same county.
    fn asked(&self, cell: &CellOf<'_>) -> (String, String) {
        let target = cell.relation.target();
        let (key, body) = match cell.kind() {
            Some((kind, _)) => {
                let thing = thing(kind, cell.relation);
                (thing.reference().key().to_owned(), json!({ "version": 1, "item": thing }).to_string())
            }
            None => (String::new(), "{}".to_owned()),
        };
        let id = if cell.path.contains("emergencies") {
            record("reviewed", target)
        } else {
            self.alerts[target].to_string()
        };
        let path = cell.path.replace("/api/{file}", "/api/show.js");
        let path = path.replace("/incident", "/incident?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z");
        let path = path.replace("{key}", &key).replace("{patient}", target).replace("{id}", &id);
        let path = path
            .replace("{hub}", "hub-nowhere")
            .replace("{reading}", "rd-00000000000000000000000000000000")
            .replace("{staff}", "st-target")
            .replace("{import}", "im-00112233445566aa")
            .replace("{file}", look::assets::own_css().trim_start_matches("/assets/"));
        let body = match (cell.method, cell.path) {
            ("GET" | "DELETE", _) => String::new(),
            (_, "/v1/people/{patient}/emergency") => {
                json!({ "reason": "They did not answer.", "minutes": 0 }).to_string()
            }
            (_, path) if path.ends_with("/entered-in-error") => json!({ "reason": "device" }).to_string(),
            (_, path) if path.ends_with("/move") => json!({ "to": "pt-nobodys" }).to_string(),
            (_, path) if !path.starts_with("/v1/") => String::new(),
            _ => body,
        };
        (path, body)
    }

    async fn ask(&self, cell: &CellOf<'_>) -> Answered {
        let (path, body) = self.asked(cell);
        let mut asking = request(cell.method, &path, &body);
        if ["/v1/batches", "/v1/hello"].contains(&cell.path) {
            asking = asking.insert_header(("content-encoding", "identity"));
        }
        let now = self.county.clock.read();
        let began: DateTime<Utc> = if cell.session == Session::IdleOut { now - TimeDelta::minutes(31) } else { now };
        let who = staff_of(cell.role, cell.relation, cell.session == Session::HasLeft);
        let session = || self.county.session(&who, began, cell.session == Session::FirstPassword);
        asking = match cell.session {
            Session::None => asking,
            Session::Garbage => with_cookie(asking, "0123456789abcdef"),
            Session::TwoCookies => with_cookie(with_cookie(asking, &session()), &session()),
            Session::IdleOut | Session::Live | Session::HasLeft | Session::FirstPassword => {
                with_cookie(asking, &session())
            }
        };
        let answered = self.county.ask(asking).await;
        // Sessions that nobody ends are looked through at every sign-in after them.
        self.county.shared.accounts.as_ref().unwrap().sessions.end_all_of(&staff_id(&who));
        answered
    }

    /// What is wrong with the answer of a cell, if anything is.
    async fn wrong(&self, cell: &CellOf<'_>) -> Option<String> {
        let answer = self.ask(cell).await;
        let is = (answer.status, answer.code.as_deref());
        let target = cell.relation.target();
        let name = format!("Invented {}", target.trim_start_matches("pt-"));
        let tells = [name.as_str(), nhs_number(cell.relation.number()).get(..9).unwrap_or("?")]
            .iter()
            .any(|word| answer.body.contains(word))
            || answer.body.contains(&format!("\"{target}\""));
        let CellOf { method, path, role, relation, session, .. } = cell;
        let at = format!("{method} {path}, {role}, {relation:?}, {session:?}");
        // Whoever enrols too often without a code is told to wait: that is no matter of who asks.
        let is_slowed = cell.needs == "code" && answer.status == 429;
        if is != cell.expected() && !is_slowed {
            return Some(format!("{at}: want {:?}, got {is:?}: {}", cell.expected(), answer.body));
        }
        if tells && !cell.may_tell() {
            return Some(format!("{at}: it tells of {target}: {}", answer.body));
        }
        None
    }
}

/// A thing of a kind, about the person of a relation where it is about somebody; as it was first written.
fn thing(kind: &str, relation: Relation) -> Item {
    match kind {
        "organisation" => item(json!({ "organisation": { "id": "org-north", "name": "x", "kind": "trust" } })),
        "team" => item(json!({ "team": { "id": "tm-a", "name": "x", "organisation": "org-north" } })),
        "home" => item(json!({ "home": { "id": "hm-oak", "name": "x", "organisation": "org-north" } })),
        "staff" => staff("st-target", "clinical_lead", json!({ "team": "tm-a" }), false),
        "device" => item(
            json!({ "device": { "id": "dv-1", "what": "monitor", "maker": "Maker", "model": "One", "state": "lost" } }),
        ),
        "hub" => item(json!({ "hub": { "id": "hub-a", "place": { "team": "tm-a" }, "patients": [], "keys": [] } })),
        "place_plan" => item(json!({ "place_plan": { "id": "rc-tm-a", "place": { "team": "tm-a" } } })),
        kind => {
            let all = about(relation);
            all.into_iter().find(|item| item.reference().kind().name() == kind).expect("one of each kind")
        }
    }
}

/// The demo's protocol, in force for everybody whose care plan names it.
fn in_force_everywhere() -> Item {
    let hash = rules::pack::demo_pack().unwrap().pack().content_hash.clone();
    let in_force = json!({ "pack": "demo-home-bp", "content_hash": hash, "stage": "active" });
    item(json!({ "place_plan": { "id": "rc-footprint", "place": "footprint", "packs": [in_force] } }))
}

/// One thing of each kind about the person of a relation.
fn about(relation: Relation) -> Vec<Item> {
    let target = relation.target();
    let (team, home) = match relation {
        Resident => (Some("tm-c"), Some("hm-oak")),
        MovedAway => (Some("tm-b"), None),
        OwnTeam | OtherTeam | OtherTrust | ObjectsToThem | ObjectsToTeam | ObjectsToTrust | Emergency => {
            (Some("tm-a"), None)
        }
    };
    let span = json!({ "from": at(-60) });
    let of = |kind: &str, what: &str, more: Value| {
        let mut fields = json!({ "id": record(what, target), "patient": target });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item(json!({ kind: fields }))
    };
    let mut items = vec![
        patient(target, relation.number(), team, home),
        item(json!({ "health": { "id": target } })),
        of("plan", "plan", json!({ "packs": ["demo-home-bp"] })),
        item(
            json!({ "carer": { "id": format!("cr-{}", target.trim_start_matches("pt-")), "patient": target, "name": "Carer",
            "relation": "daughter" } }),
        ),
        of("assignment", "had", json!({ "device": "dv-1", "span": span })),
        of("consent", "consent", json!({ "to": { "messages": {} }, "given_by": "person", "span": span })),
        of(
            "erasure",
            "erase",
            json!({ "ground": "not-needed", "reason": "By mistake.", "asked_by": "st-somebody", "asked_at": at(-60) }),
        ),
        of("hold", "hold", json!({ "reason": "An inquest.", "span": span })),
        of(
            "emergency",
            "reviewed",
            json!({ "staff": "st-target", "reason": "Earlier.", "reviewed_by": "st-somebody",
            "span": { "from": at(-600), "until": at(-540) } }),
        ),
    ];
    let objection = |what: &str, against: Value| {
        of("objection", what, json!({ "against": against, "reason": "A neighbour.", "span": span }))
    };
    match relation {
        ObjectsToThem => {
            let each = (1..).zip(ROLES).map(|(n, (role, _))| {
                objection(&format!("against{n}"), json!({ "staff": staff_of(role, relation, false) }))
            });
            items.extend(each);
        }
        ObjectsToTeam => items.push(objection("against", json!({ "team": "tm-a" }))),
        ObjectsToTrust => items.push(objection("against", json!({ "organisation": "org-north" }))),
        // Against somebody who does not ask: it narrows nothing here.
        OwnTeam | OtherTeam | OtherTrust | Resident | Emergency | MovedAway => {
            items.push(objection("against", json!({ "staff": "st-neighbour" })));
        }
    }
    if relation == Emergency {
        for role in ["case_manager", "clinician"] {
            let staff = staff_of(role, relation, false);
            let until = json!({ "from": at(-10), "until": at(200) });
            items.push(of(
                "emergency",
                &format!("took-{}", role.replace('_', "-")),
                json!({ "staff": staff, "reason": "They fell.", "span": until }),
            ));
        }
    }
    items
}

fn cells<'a>(needs: &'a BTreeMap<(&str, &str), &'a str>, sessions: &'a [Session]) -> Vec<CellOf<'a>> {
    let mut cells = Vec::new();
    for Route { method, path, .. } in routes() {
        let needs = needs.get(&(*method, *path)).unwrap_or_else(|| panic!("{method} {path} is not in the table"));
        for (role, _) in ROLES {
            for relation in RELATIONS {
                for session in sessions {
                    cells.push(CellOf { method, path, needs, role, relation, session: *session });
                }
            }
        }
    }
    cells
}

fn in_system<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

#[test]
fn nobody_reaches_more_than_the_table_says_and_a_planted_policy_is_seen() {
    let needs: BTreeMap<(&str, &str), &str> =
        TABLE.iter().map(|(method, path, needs)| ((*method, *path), *needs)).collect();
    assert_eq!(needs.len(), routes().count(), "the table has every route, and no other");
    let mut count = 0;
    let took = time_of(|| {
        in_system(async {
            let scene = Scene::new(Arc::new(|store| store)).await;
            let (all, mut wrong) = (cells(&needs, &SESSIONS), Vec::new());
            for cell in &all {
                wrong.extend(scene.wrong(cell).await);
            }
            let first = wrong.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
            assert!(wrong.is_empty(), "{} unexpected of {}:\n{first}", wrong.len(), all.len());
            count = all.len();
        });
    });
    assert!(count > 5_000, "{count}");
    println!("matrix: {count} cells, 0 unexpected, {took:.0?}");
    // The same questions to a store that asks as somebody who may see everybody: what the matrix is for.
    let seen = in_system(async {
        let scene = Scene::new(put_before(Arc::new(LooksForEverybody))).await;
        let mut seen = 0;
        for cell in cells(&needs, &[Session::Live]).iter().filter(|cell| cell.role == "clinician") {
            seen += usize::from(scene.wrong(cell).await.is_some());
        }
        seen
    });
    assert!(seen > 0, "a policy that lets everybody see everybody went unseen");
    println!("planted policy: {seen} cells saw it");
}
