//! Every route there is, in one table: it mounts them, and it can be read.

use super::{
    Refusal, Shared, account, alerts, batches, corrections, enrol, guard, health, hello, lists, metrics,
    openapi::{self, viewer},
    people,
    problem::{unheard, unread},
    records,
    register::{self, kinds},
    session,
};
use crate::{access::Permission, pages};
use actix_web::{
    HttpRequest, Resource,
    error::{InternalError, UrlencodedError},
    http,
    http::header,
    web,
};
use vitals::{
    ErrorCode,
    wire::{enrol::ENROL_PATH, hello::HELLO_PATH, v1::BATCHES_PATH},
};

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub method: &'static str,
    /// The pattern of its path.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
    /// What it does, as one sentence.
    pub summary: &'static str,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody: there is nothing to keep from anybody.
    Anybody,
    /// Programs on this machine.
    ThisMachine,
    /// A hub that signs its request.
    Hub,
    /// Whoever is signed in.
    SignedIn,
    /// Staff who hold a permission.
    Staff(Permission),
}

macro_rules! who {
    (anybody) => {
        Who::Anybody
    };
    (this_machine) => {
        Who::ThisMachine
    };
    (hub) => {
        Who::Hub
    };
    (signed_in) => {
        Who::SignedIn
    };
    (staff $needs:ident) => {
        Who::Staff(<guard::needs::$needs as guard::Needs>::PERMISSION)
    };
}

#[cfg(test)]
macro_rules! permission {
    ($needs:ident) => {
        <guard::needs::$needs as guard::Needs>::PERMISSION
    };
}

macro_rules! route {
    ($method:ident staff $needs:ident, $handler:expr) => {
        guard::staff::<guard::needs::$needs, _, _>(http::Method::$method, $handler)
    };
    ($method:ident signed_in, $handler:expr) => {
        guard::signed_in(http::Method::$method, $handler)
    };
    ($method:ident $open:ident, $handler:expr) => {
        guard::open(http::Method::$method, $handler)
    };
}

macro_rules! routes {
    (
        $(#[$doc:meta])*
        $table:ident, $mount:ident;
        $($path:expr => { $($method:ident $who:ident $($needs:ident)?: $handler:expr, $summary:expr;)+ })+
    ) => {
        $(#[$doc])*
        const $table: &[Route] = &[
            $($(Route { method: stringify!($method), path: $path, who: who!($who $($needs)?), summary: $summary },)+)+
        ];

        fn $mount(cfg: &mut web::ServiceConfig) {
            $(cfg.service(
                resource($path, &[$(stringify!($method)),+])
                    $(.route(route!($method $who $($needs)?, $handler)))+
            );)+
        }
    };
}

routes! {
    /// Every route but those of the kinds of the register.
    MAIN, mount_main;

    BATCHES_PATH => {
        POST hub: batches::receive, "Takes in a batch of readings and answers with a receipt.";
    }
    HELLO_PATH => {
        POST hub: hello::receive, "Takes a hub's hello and answers with the newest heartbeat and what is wanted again.";
    }
    ENROL_PATH => {
        POST hub: enrol::receive, "Enrols a hub that comes with a code and signs with its new key.";
    }
    "/v1/hubs/{hub}/code" => {
        POST staff WriteHubs: enrol::issue, "Makes a code with which a hub can be enrolled once, within 15 minutes.";
    }
    "/v1/session" => {
        GET signed_in: session::show, "Says who is signed in, and what they may do.";
        POST anybody: session::begin, "Signs in with a name and a password.";
        DELETE signed_in: session::end, "Signs out, and takes the cookie away.";
    }
    "/v1/session/password" => {
        POST signed_in: session::change_password, "Changes the password of whoever is signed in, and signs them out elsewhere.";
    }
    "/v1/staff/{staff}/account" => {
        POST staff WriteStaff: account::make, "Makes a password for somebody's first sign-in, shown once, and signs them out everywhere.";
        DELETE staff WriteStaff: account::take_away, "Takes somebody's account away, and signs them out everywhere.";
    }
    "/v1/alerts" => {
        GET staff SeeReadings: alerts::list, "Lists the alerts of the people one looks after, those that wait first.";
    }
    "/v1/alerts/{id}/acknowledge" => {
        POST staff TakeAlerts: alerts::acknowledge, "Takes an alert, with an optional note.";
    }
    "/v1/people/{patient}" => {
        GET staff SeeDetails: people::show, "Shows what the register holds of a person, as far as one may see it.";
    }
    "/v1/people/{patient}/log" => {
        GET staff SeeLog: people::log, "Shows who looked at a person's record or changed it, the newest first.";
    }
    "/v1/people/{patient}/export" => {
        GET staff Export: records::export, "Gives out everything held about a person, as lines of JSON or as text.";
    }
    "/v1/people/{patient}/incident" => {
        GET staff Export: records::incident, "Gives out what the service knew and did for a person between two times, signed.";
    }
    "/v1/people/{patient}/ended" => {
        GET staff Erase: records::ended, "Shows the statement in the place of a record that was erased or disposed of.";
    }
    "/v1/people/{patient}/readings/{reading}/entered-in-error" => {
        POST staff TakeAlerts: corrections::entered_in_error, "Says that a reading does not count for the person, and why; it stays in the record.";
    }
    "/v1/people/{patient}/readings/{reading}/move" => {
        POST staff TakeAlerts: corrections::move_to, "Gives a reading to the person whose it is; both must be one's own to act for.";
    }
    "/v1/people/{patient}/readings/{reading}/count-again" => {
        POST staff TakeAlerts: corrections::count_again, "Says that a reading counts for the person after all.";
    }
    "/v1/people/{patient}/emergency" => {
        POST staff TakeEmergency: people::take_emergency, "Opens a person's record in an emergency, for a time and with a reason.";
    }
    "/v1/lists/roster" => {
        POST staff WriteDetails: lists::roster, "Takes in a roster, or says what it would change.";
    }
    "/v1/lists/status" => {
        POST staff WriteDetails: lists::status, "Takes in a status file, or says what it would change.";
    }
    "/v1/imports/{import}/undo" => {
        POST staff WriteDetails: lists::undo, "Takes an import back, or says what that would come to.";
    }
    "/v1/emergencies" => {
        GET staff SeeLog: people::emergencies, "Lists emergency accesses, the newest first.";
    }
    "/v1/emergencies/{id}/review" => {
        POST staff SeeLog: people::review_emergency, "Says that one has looked into an emergency access.";
    }
    "/livez" => {
        GET anybody: health::lives, "Says that the process answers.";
    }
    "/readyz" => {
        GET anybody: health::is_ready, "Says whether readings are taken.";
    }
    openapi::DOCUMENT_PATH => {
        GET anybody: openapi::show, "This interface as an OpenAPI document.";
    }
    viewer::VIEWER_PATH => {
        GET anybody: viewer::show, "This interface as a page, from its document.";
    }
    viewer::VIEWER_FILE_PATH => {
        GET anybody: viewer::file, "A file that this page needs.";
    }
    "/metrics" => {
        GET this_machine: metrics::show, "Shows counts and gauges to programs on this machine.";
    }
    pages::WORKLIST_PATH => {
        GET staff SeeReadings: pages::show_worklist, "The worklist, as a page.";
    }
    "/alerts/{id}/acknowledge" => {
        POST staff TakeAlerts: pages::take_alert, "Takes an alert from the page.";
    }
    pages::SIGN_IN_PATH => {
        GET anybody: pages::show_sign_in, "The page to sign in at.";
        POST anybody: pages::sign_in, "Signs in from the page.";
    }
    pages::SIGN_OUT_PATH => {
        POST signed_in: pages::sign_out, "Signs out from the page.";
    }
    pages::PASSWORD_PATH => {
        GET signed_in: pages::show_password, "The page to choose a password at.";
        POST signed_in: pages::change_password, "Changes the password from the page.";
    }
    "/assets/{file}" => {
        GET anybody: pages::asset, "A file that pages need.";
    }
}

/// The routes of a kind of the register: its things, one of them, and that one's history. What cannot be listed whole, or is
/// written in a way of its own, has fewer.
macro_rules! of_kinds {
    ($($name:literal $kind:ident $see:ident $(list $list:ident)? $(write $write:ident)?;)+) => {
        routes! {
            /// The routes of the kinds of the register.
            OF_KINDS, mount_kinds;

            $($(concat!("/v1/register/", $name) => {
                GET staff $see: register::$list::<kinds::$kind>, concat!("Lists every ", $name, " one may see, a page at a time, in the order of their ids.");
            })?)+
            $(concat!("/v1/register/", $name, "/{key}") => {
                GET staff $see: register::show::<kinds::$kind>, concat!("Shows one ", $name, ", with its version.");
                $(PUT staff $write: register::put::<kinds::$kind>, concat!("Writes the next version of one ", $name, ", or the first.");)?
            })+
            $(concat!("/v1/register/", $name, "/{key}/versions") => {
                GET staff $see: register::versions::<kinds::$kind>, concat!("Shows every version of one ", $name, ", the newest first.");
            })+
        }

        #[cfg(test)]
        const KINDS: &[(&str, Permission, &[Permission])] = &[
            $(($name, permission!($see), &[$(permission!($write))?]),)+
        ];
    };
}

of_kinds! {
    "organisation" Organisation SeePlaces list list write WritePlaces;
    "team" Team SeePlaces list list write WritePlaces;
    "home" Home SeePlaces list list write WritePlaces;
    "staff" Staff SeePlaces list list write WriteStaff;
    "device" Device SeeDevices list list write WriteDevices;
    "hub" Hub SeeDevices list list write WriteHubs;
    "patient" Patient SeeDetails list list_people write WriteDetails;
    "health" Health SeePlan write WritePlan;
    "plan" Plan SeePlan write WritePlan;
    "carer" Carer WriteConsent write WriteConsent;
    "assignment" Assignment AssignDevices write AssignDevices;
    "consent" Consent WriteConsent write WriteConsent;
    "objection" Objection WriteConsent write WriteConsent;
    "emergency" Emergency SeeLog;
    "erasure" Erasure Erase write Erase;
    "hold" Hold Erase write Erase;
    "place_plan" PlacePlan SeePlaces list list write WriteProtocols;
}

/// Every route.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    MAIN.iter().chain(OF_KINDS)
}

/// Mounts every route. [`Shared`](super::Shared) must be there as `web::Data<Shared>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.app_data(
        web::FormConfig::default()
            .limit(pages::FORM_BYTES_MAX)
            .error_handler(|cause, request| form_unread(&cause, request)),
    )
    .app_data(web::QueryConfig::default().error_handler(|_cause, request| unread(ErrorCode::BodyMalformed, request)))
    .app_data(web::PathConfig::default().error_handler(|_cause, request| unread(ErrorCode::NotFound, request)));
    mount_main(cfg);
    mount_kinds(cfg);
    cfg.default_service(web::to(async |request: HttpRequest| unheard(ErrorCode::NotFound, &request)));
}

/// A form that cannot be read is answered with a page, whatever its sender says they take: only pages have forms.
fn form_unread(cause: &UrlencodedError, request: &HttpRequest) -> actix_web::Error {
    let is_too_large = matches!(cause, UrlencodedError::Overflow { .. });
    let code = if is_too_large { ErrorCode::BodyTooLarge } else { ErrorCode::BodyMalformed };
    let response = match request.app_data::<web::Data<Shared>>() {
        Some(shared) => pages::problem(&shared.pages, code),
        None => Refusal::new(code).response(),
    };
    InternalError::from_response(Refusal::new(code), response).into()
}

/// A resource that says which methods it has when asked for another.
fn resource(path: &str, methods: &[&str]) -> Resource {
    let allow = methods.join(", ");
    web::resource(path).default_service(web::to(move |request: HttpRequest| {
        let mut response = unheard(ErrorCode::MethodNotAllowed, &request);
        if let Ok(allow) = header::HeaderValue::from_str(&allow) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        std::future::ready(response)
    }))
}

/// The table as a page of Markdown: `docs/reference/api.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Routes\n\nGenerated from the table in `ingest/src/http/routes.rs` by `cargo golden`; do not edit. What each refusal \
         means is in [error-codes.md](error-codes.md).\n\nWhoever holds a permission holds it for the people and places of \
         their posts; for anybody else's the answer is that there is no such thing.\n\n\
         | route | who | what it does |\n|---|---|---|\n",
    );
    for Route { method, path, who, summary } in routes() {
        let who = match who {
            Who::Anybody => "anybody".to_owned(),
            Who::ThisMachine => "programs on this machine".to_owned(),
            Who::Hub => "a hub, by its signature".to_owned(),
            Who::SignedIn => "whoever is signed in".to_owned(),
            Who::Staff(permission) => format!("staff with `{}`", permission.name()),
        };
        page.push_str(&format!("| `{method} {path}` | {who} | {summary} |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{to_see, to_write};
    use ::register::ItemKind;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_is_seen_and_written_with_the_permission_that_the_policy_asks() {
        let kinds: BTreeSet<&str> = KINDS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(kinds.len(), ItemKind::ALL.len());
        for (name, see, write) in KINDS {
            let kind = ItemKind::from_name(name).unwrap();
            assert_eq!(*see, to_see(kind), "{name}");
            // Emergency accesses are taken and reviewed by routes of their own.
            let expected = if kind == ItemKind::Emergency { vec![] } else { vec![to_write(kind)] };
            assert_eq!(*write, expected, "{name}");
        }
    }

    #[test]
    fn no_route_is_there_twice_and_each_says_what_it_does() {
        let known: BTreeSet<(&str, &str)> = routes().map(|route| (route.method, route.path)).collect();
        assert_eq!(known.len(), routes().count());
        assert!(routes().all(|route| route.summary.ends_with('.') && route.summary.len() > 15));
        let open: Vec<&str> = routes().filter(|route| route.who == Who::Anybody).map(|route| route.path).collect();
        assert_eq!(
            open,
            [
                "/v1/session",
                "/livez",
                "/readyz",
                openapi::DOCUMENT_PATH,
                viewer::VIEWER_PATH,
                viewer::VIEWER_FILE_PATH,
                pages::SIGN_IN_PATH,
                pages::SIGN_IN_PATH,
                "/assets/{file}"
            ],
            "open to anybody, and no other"
        );
    }
}
