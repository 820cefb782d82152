//! What a seed decided for a run, in words and as JSON.

use leasehold_scenario::{Setting, Trial};
use serde_json::{Map, Value, json};

/// What was drawn, line by line with an empty one behind: settings as a scenario file has them, then what the faults
/// have in common. No line if nothing was.
pub(crate) fn lines(trial: &Trial) -> Vec<String> {
    if trial.settings().is_empty() && trial.drawn().is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("drawn under seed {}:", trial.seed())];
    lines.extend(trial.settings().iter().map(|setting| format!("    {}", text(setting))));
    lines.extend(trial.drawn().iter().map(|drawn| format!("    {}: {}", drawn.what, drawn.value)));
    lines.push(String::new());
    lines
}

fn text(Setting { key, value }: &Setting) -> String {
    match value {
        Some(value) => format!("{key} = {value}"),
        None => format!("{key} is left out"),
    }
}

/// The settings by key, as TOML.
pub(crate) fn settings(trial: &Trial) -> Value {
    let by_key: Map<String, Value> =
        trial.settings().iter().map(|Setting { key, value }| (key.clone(), json!(value))).collect();
    Value::Object(by_key)
}

/// What else was drawn.
pub(crate) fn told(trial: &Trial) -> Value {
    trial.drawn().iter().map(|drawn| json!({ "what": drawn.what, "value": drawn.value })).collect()
}
