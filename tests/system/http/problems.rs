//! One form for every refusal, also of what no handler sees; and what has no body, because it is not HTTP. Asked over a raw
//! socket, so that nothing between the test and the service puts a request right.

use super::{is_refused, start};
use harness::{service::TestService, signed_client::Call};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};
use vitals::ErrorCode;

/// Sends bytes as they are, and returns all that comes back until the service closes.
fn raw(service: &TestService, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(service.address().unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    let (mut answer, mut some) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&some[..count]),
            // Whoever has more to say than was heard is cut off once the answer is out.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("read the answer: {error}"),
        }
    }
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn what_no_handler_sees_is_refused_in_the_same_form() {
    let service = start();
    for (method, path, code) in [
        ("GET", "/nowhere", ErrorCode::NotFound),
        ("POST", "/v1/nowhere", ErrorCode::NotFound),
        ("GET", "/v1/../etc/passwd", ErrorCode::NotFound),
        ("PUT", "/v1/alerts", ErrorCode::MethodNotAllowed),
        ("GET", "/v1/batches", ErrorCode::MethodNotAllowed),
        ("GET", "/v1/people/pt-ada/log?for=everybody", ErrorCode::NotAllowed),
        ("GET", "/v1/register/team?after=a&after=b", ErrorCode::BodyMalformed),
        ("GET", "/v1/register/team?before=tm-1", ErrorCode::BodyMalformed),
        ("GET", "/v1/people/%ff", ErrorCode::ItemNotFound),
    ] {
        let answer = service.send(&Call::new(method, path)).unwrap();
        is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{method} {path}: {wrong}"));
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], answer.status);
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
    }
    let allow = |path: &str| {
        let answer = service.send(&Call::new("PATCH", path)).unwrap();
        assert_eq!(answer.status, 405);
        answer.header("allow").unwrap().to_owned()
    };
    assert_eq!(allow("/v1/session"), "GET, POST, DELETE");
    assert_eq!(allow("/v1/register/team/tm-1"), "GET, PUT");
}

#[test]
fn a_browser_that_asks_for_a_page_gets_one_and_the_interface_never_answers_with_one() {
    let service = start();
    let ask = |path: &str| service.send(&Call::new("PATCH", path).with("accept", "text/html,*/*")).unwrap();
    for (path, status) in [("/nowhere", 404), ("/", 405), ("/sign-in", 405)] {
        let answer = ask(path);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, Some("text/html; charset=utf-8")),
            "{path}"
        );
        assert!(answer.header("content-security-policy").is_some() && answer.body.contains("<h1"), "{path}");
    }
    assert_eq!(ask("/").header("allow"), Some("GET"));
    assert_eq!(ask("/v1/nowhere").header("content-type"), Some("application/problem+json"));
}

/// As the document says: below the routes there is no body, and the connection ends.
#[test]
fn what_is_not_http_is_refused_without_a_body_and_the_connection_closed() {
    let service = start();
    let large = format!("GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nx-large: {}\r\n\r\n", "x".repeat(200_000));
    for (what, bytes, expected) in [
        ("no request line", "this is no request\r\n\r\n", "400"),
        ("no version", "GET /livez\r\n\r\n", "400"),
        ("a version of tomorrow", "GET /livez HTTP/9.9\r\nhost: 127.0.0.1\r\n\r\n", "400"),
        ("a header with a blank in its name", "GET /livez HTTP/1.1\r\nho st: 127.0.0.1\r\n\r\n", "400"),
        (
            "two lengths",
            "POST /v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "400",
        ),
        ("a length that is none", "POST /v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: x\r\n\r\n", "400"),
        ("a head that is too large", large.as_str(), "431"),
        ("a head that never ends", "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n", "408"),
    ] {
        let answer = raw(&service, bytes.as_bytes());
        assert_eq!((status(&answer), body(&answer)), (expected, ""), "{what}: {answer}");
    }
    // The twin that is heard, and the same with HEAD: no body, but the same status.
    let asked = |method: &str, path: &str| {
        raw(&service, format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").as_bytes())
    };
    assert_eq!(body(&asked("GET", "/livez")), "lives\n");
    let head = asked("HEAD", "/livez");
    assert_eq!((status(&head), body(&head)), ("405", ""), "{head}");
}

#[test]
fn the_document_is_served_and_is_the_one_in_the_tree() {
    let service = start();
    let answer = service.send(&Call::new("GET", "/v1/openapi.json")).unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.body, ingest::http::openapi::text());
}
