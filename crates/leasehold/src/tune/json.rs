//! A study, told to programs.

use serde_json::{Value, json};

use super::Told;

/// The summary, and where it is kept.
pub(super) fn object(told: &Told<'_>) -> Value {
    let manifest = &told.kept.manifest;
    let failures = told.sums.iter().enumerate().flat_map(|(point, sum)| {
        sum.failures().iter().map(move |failure| {
            let line = told.study.run_line(&crate::again::program(), point, failure.seed);
            json!({ "point": point, "seed": failure.seed, "what": failure.what, "line": line })
        })
    });
    json!({
        "folder": told.kept.dir.display().to_string(),
        "complete": manifest.is_whole(),
        "stopped": manifest.stopped,
        "dropped": told.study.dropped(),
        "refused": told.study.refused(),
        "failures": failures.collect::<Vec<_>>(),
        "summary": told.kept.summary,
    })
}
