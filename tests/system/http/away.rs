//! An alert of somebody who died, moved away or is in hospital says so, on the page and in the interface, and stays; of
//! everybody else nothing is said.

use super::county::{County, item, nhs_number, patient, staff};
use register::Item;
use serde_json::{Value, json};
use std::sync::Arc;

/// A person of team A, with a status.
fn person(id: &str, n: u32, status: Option<Value>) -> Item {
    let mut person = json!({ "id": id, "name": id, "nhs_number": nhs_number(n), "team": "tm-a" });
    if let Some(status) = status {
        person["status"] = status;
    }
    item(json!({ "patient": person }))
}

#[test]
fn an_alert_of_somebody_who_is_not_at_home_as_usual_says_so_and_stays() {
    actix_web::rt::System::new().block_on(async {
        let county = County::new(Arc::new(|store| store)).await;
        let statuses = [
            ("pt-own", 201, None, None),
            (
                "pt-other-team",
                202,
                Some(json!({ "deceased": "2026-06-01" })),
                Some("Recorded as deceased on 1 June 2026."),
            ),
            ("pt-moved", 203, Some(json!({ "moved": "2026-05-31" })), Some("Recorded as moved away on 31 May 2026.")),
            (
                "pt-other-trust",
                204,
                Some(json!({ "admitted": "2026-05-30" })),
                Some("Recorded as in hospital since 30 May 2026."),
            ),
        ];
        let people: Vec<&str> = statuses.iter().map(|(id, ..)| *id).collect();
        county.write(statuses.iter().map(|(id, n, ..)| patient(id, *n, Some("tm-a"), None))).await;
        county.write([staff("st-ada", "case_manager", json!({ "team": "tm-a" }), false)]).await;
        county.alerts(&people).await;
        let page = async || county.ask_as("st-ada", "GET", "/", "").await.body;
        let listed = async || -> Vec<Value> {
            let answer = county.ask_as("st-ada", "GET", "/v1/alerts", "").await.json();
            serde_json::from_value(answer["alerts"].clone()).unwrap()
        };
        assert!(!page().await.contains("Recorded as"));
        assert!(listed().await.iter().all(|alert| alert.get("person_status").is_none()));
        county.write(statuses.iter().map(|(id, n, status, _)| person(id, *n, status.clone()))).await;
        let (page, listed) = (page().await, listed().await);
        assert_eq!((listed.len(), page.matches("Recorded as").count()), (4, 3));
        for (id, _, status, said) in statuses {
            let alert = listed.iter().find(|alert| alert["patient"] == id).unwrap();
            assert_eq!(alert.get("person_status"), status.as_ref(), "{id}");
            assert!(said.is_none_or(|said| page.contains(said)), "{id}");
        }
        assert_eq!(
            page.matches("I'm dealing with this").count() + page.matches("I&#39;m dealing with this").count(),
            4
        );
    });
}
