//! The page that is scraped, and the rest of the admin port.

use akashi_node::telemetry::names;

use crate::calls::{Platform, announcement};
use crate::paper::Paper;
use crate::port::{Ask, Port, framed};

#[tokio::test]
async fn the_scraped_page_has_only_names_and_labels_of_the_registry() {
    let port = Port::open(Paper::founded()).await;
    let channel = port.platform().await;
    Platform::new(channel.clone())
        .announce_contact(announcement(1, "cust-000001"))
        .await
        .unwrap();
    Ask::new("/canary.CANARY/CANARY", framed(&[]))
        .send(&channel)
        .await;
    let text = port.scrape.text();
    let mut lines = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, labels) = line
            .split_once('{')
            .map_or((line.split(' ').next().unwrap(), ""), |(name, rest)| {
                (name, rest)
            });
        let definition = names::ALL
            .iter()
            .find(|d| {
                name == d.name
                    || ["_bucket", "_sum", "_count"].iter().any(|suffix| {
                        d.kind == names::Kind::Histogram && name == format!("{}{suffix}", d.name)
                    })
            })
            .unwrap_or_else(|| panic!("{name} is not registered"));
        for label in labels
            .split("\",")
            .filter_map(|label| label.split_once('='))
        {
            let label = label.0;
            let known = definition.labels.contains(&label) || label == "le";
            assert!(known, "{name} has the label {label}: {line}");
        }
        lines += 1;
    }
    assert!(lines > 10);
    assert!(text.contains("akashi_divergence_total 0"), "{text}");
    assert!(
        !text.contains("CANARY") && !text.contains("cust-"),
        "{text}"
    );
}

#[tokio::test]
async fn the_admin_port_says_how_the_node_is() {
    use http_body_util::BodyExt as _;
    let port = Port::open(Paper::founded()).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let routes = akashi_node::admin::routes(port.paper.clone(), port.scrape.clone(), stopped);
    let get = |path: &'static str| {
        let routes = routes.clone();
        async move {
            let request = http::Request::get(path)
                .body(axum::body::Body::empty())
                .unwrap();
            let response = tower::ServiceExt::oneshot(routes, request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    for path in ["/livez", "/startupz", "/readyz"] {
        assert_eq!(get(path).await.0, 200, "{path}");
    }
    let (status, text) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("akashi_divergence_total"), "{text}");
    assert_eq!(get("/nothing").await.0, 404);
    port.paper.fence();
    assert_eq!(get("/readyz").await, (503, "fenced\n".to_owned()));
    assert_eq!(get("/livez").await.0, 200);
    stop.send_replace(true);
    assert_eq!(get("/readyz").await, (503, "stopping\n".to_owned()));
}
