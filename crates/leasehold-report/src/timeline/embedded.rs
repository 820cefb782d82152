//! What a page holds for its script, and for whoever reads it with a program: JSON.

use serde_json::{Value, json};

use super::chart::Chart;
use super::messages::Fate;
use super::picture::Picture;
use crate::words;

/// The picture as data: times in nanoseconds, nodes by their place in the list.
pub(super) fn data(picture: &Picture, charts: &[Chart]) -> String {
    let header = picture.names.header();
    let nodes: Vec<Value> = header
        .nodes
        .iter()
        .zip(&picture.clocks)
        .map(|(node, clock)| {
            json!({
                "name": node.name,
                "role": node.role.name(),
                "clock": node.relies_on.name(),
                "showed": clock.showed,
            })
        })
        .collect();
    let messages: Vec<Value> = picture
        .messages
        .iter()
        .map(|message| {
            let fate = match message.fate {
                Fate::Lost(cause) => words::loss(cause),
                other => other.name(),
            };
            let what = format!("{} {}", message.purpose.name(), words::leg_name(message.leg));
            let took = message.ended.map(|ended| ended.saturating_since(message.sent));
            json!([message.sent, took, message.from, message.to, what, fate])
        })
        .collect();
    let events: Vec<Value> = picture
        .happenings
        .iter()
        .map(|happening| json!([happening.event.at, happening.event.node]))
        .collect();
    let charts: Vec<Value> = charts
        .iter()
        .map(|chart| json!({ "id": chart.id, "from": chart.from, "until": chart.until }))
        .collect();
    let data = json!({
        "scenario": header.scenario,
        "seed": header.seed,
        "engine": header.engine,
        "verdict": picture.verdict.name(),
        "ended": picture.ended_at,
        "nodes": nodes,
        "charts": charts,
        "alarms": picture.alarms.iter().map(|alarm| json!([alarm.at, alarm.text])).collect::<Vec<_>>(),
        "events": events,
        "messages": shared(&messages),
    });
    // A script ends where its closing tag stands, whatever that stands in.
    data.to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// Messages with each text written once: `what` and `fate` by their places in `texts`.
fn shared(messages: &[Value]) -> Value {
    let mut texts: Vec<&Value> = Vec::new();
    let mut rows: Vec<Value> = Vec::new();
    for message in messages {
        let mut row = message.clone();
        for place in [4, 5] {
            let text = &message[place];
            let known = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                texts.push(text);
                texts.len() - 1
            });
            row[place] = json!(known);
        }
        rows.push(row);
    }
    json!({ "texts": texts, "rows": rows })
}
