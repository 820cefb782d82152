//! Whole folders: written, broken, opened, gone on with.

use std::collections::BTreeMap;
use std::path::Path;

use super::samples::{bad, fencing, fine, order, staleness, store, write};
use super::*;
use crate::shard::Shard;

/// All files below a folder with what they hold.
pub(crate) fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = Vec::new();
    place::files_below(dir, Path::new(""), &mut names).unwrap();
    names.into_iter().map(|name| (name.clone(), std::fs::read(dir.join(name)).unwrap())).collect()
}

fn runs(order: &Order, range: std::ops::Range<u64>) -> Vec<RunRecord> {
    range
        .map(|position| if position % 10 == 7 { bad(order, position) } else { fine(order, position) })
        .collect()
}

fn nothing_beside(dir: &Path) {
    let beside: Vec<String> = std::fs::read_dir(dir.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(beside.is_empty(), "{beside:?}");
}

#[test]
fn a_folder_is_read_as_it_was_written() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let order = order(&["a", "b", "c!"], (5, 15));
    let records = runs(&order, 0..order.total());
    write(&dir, &order, Shard::WHOLE, &records);
    nothing_beside(&dir);

    let results = Results::open(&dir).unwrap();
    let manifest = results.manifest();
    assert_eq!((manifest.done, manifest.complete, &manifest.stopped), (21, true, &None));
    assert_eq!((manifest.slice, manifest.covered.as_slice()), ((0, 21), &[(0, 21)][..]));
    assert_eq!(manifest.order, order);
    // The first position that failed of each scenario: 7 is one of a, 17 too.
    let stored: Vec<(&str, u64, u64)> =
        manifest.failures.iter().map(|f| (f.id.as_str(), f.position, f.seed)).collect();
    assert_eq!(stored, [("a-fencing-accepted-older-token-contender-resource", 7, 8)]);
    let files: Vec<&str> = manifest.files.keys().map(String::as_str).collect();
    let plan = "failures/a-fencing-accepted-older-token-contender-resource/plan.toml";
    assert_eq!(files, [plan, "junit.xml", "report.html", "runs.csv", "summary.json"]);
    let read: Vec<RunRecord> = results.records().unwrap().map(Result::unwrap).collect();
    assert_eq!(read, records);
}

#[test]
fn the_page_names_what_failed_and_what_was_never_reached() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let order = order(&["a", "b"], (5, 15));
    write(&dir, &order, Shard::WHOLE, &runs(&order, 0..order.total()));
    let page = std::fs::read_to_string(dir.join(REPORT)).unwrap();
    for part in [
        "<code>leasehold sweep scenarios/a.toml scenarios/b.toml --seeds 5..15</code>",
        "<code>leasehold run scenarios/b.toml --seed 8 --chaos</code>",
        "<code>leasehold replay failures/b-fencing-accepted-older-token-contender-resource</code>",
        ">taken-over</th><td class=\"number\" data-number=\"20\">20</td>",
        ">expired-while-paused</th><td class=\"number\" data-number=\"0\"><span class=\"badge bad\">never</span></td>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn what_was_measured_is_summed_up_by_scenario() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let order = order(&["a", "b"], (0, 10));
    let mut records = runs(&order, 0..order.total());
    for record in records.iter_mut().filter(|record| record.scenario == 1) {
        record.measures = vec![staleness()];
    }
    write(&dir, &order, Shard::WHOLE, &records);
    let text = std::fs::read_to_string(dir.join(SUMMARY)).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["scenarios"][0]["measures"], serde_json::json!({}));
    assert_eq!(
        summary["scenarios"][1]["measures"],
        serde_json::json!({ "staleness": {
            "unit": "ns",
            "samples": 130,
            "in_bound": 120,
            "outside": 10,
            "violated": 0,
            "worst": 40,
            "percentiles": { "p50": 30, "p90": 40, "p99": 40, "p99.9": 40, "max": 40 },
            "nearest": { "measured": 30, "bound": 50, "share": 0.6, "seed": 0 },
            "times_ns": { "in_bound": 3_000, "outside": 90, "violated": 0 },
        } })
    );
    let log = std::fs::read_to_string(dir.join(HISTOGRAMS)).unwrap();
    assert!(log.contains("Tag=b/staleness,") && !log.contains("Tag=a/"), "{log}");
    assert!(log.ends_with('\n'), "{log}");
    assert!(Results::open(&dir).unwrap().manifest().files.contains_key(HISTOGRAMS));
}

#[test]
fn a_position_is_a_scenario_and_a_seed() {
    let order = order(&["a", "b!", "c", "d!"], (5, 8));
    assert_eq!(order.total(), 2 + 2 * 3);
    let jobs: Vec<(usize, u64)> = (0..order.total()).map(|position| order.job(position)).collect();
    assert_eq!(jobs, [(1, 0), (3, 0), (0, 5), (2, 5), (0, 6), (2, 6), (0, 7), (2, 7)]);
}

#[test]
fn a_folder_that_is_there_is_replaced_only_if_it_holds_results_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let order = order(&["a"], (0, 10));
    let create = |dir: &Path, replace| {
        let made = ResultsWriter::create(dir, order.clone(), Shard::WHOLE, replace);
        made.map(|writer| writer.finish(None, None).unwrap()).map_err(|error| error.to_string())
    };
    let refused = |dir: &Path, replace, words: &str| {
        let before = if dir.is_dir() { contents(dir) } else { BTreeMap::new() };
        let error = create(dir, replace).unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(!dir.is_dir() || contents(dir) == before);
        nothing_beside(dir);
    };

    let dir = root.path().join("out");
    create(&dir, Replace::Never).unwrap();
    refused(&dir, Replace::Never, "is there already");
    create(&dir, Replace::Results).unwrap();
    std::fs::write(dir.join("notes.txt"), "mine").unwrap();
    refused(&dir, Replace::Results, "`notes.txt` in it is none of the results");

    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    refused(&empty, Replace::Never, "is there already");
    create(&empty, Replace::Results).unwrap();

    let foreign = root.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "").unwrap();
    refused(&foreign, Replace::Results, "it holds files, and no manifest.json of results");
    std::fs::write(foreign.join(MANIFEST), "{\"what\": \"a web app\"}").unwrap();
    refused(&foreign, Replace::Results, "it does not say \"what\": \"leasehold results\"");

    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(&file, Replace::Results, "it is no folder");
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let order = order(&["a"], (0, 10));
    let mut writer = ResultsWriter::create(&dir, order.clone(), Shard::WHOLE, Replace::Never).unwrap();
    let name = writer.folder().file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with(".out.partial-"), "{name}");
    writer.record(&fine(&order, 0));
    drop(writer);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn what_was_interrupted_is_gone_on_with_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let order = order(&["a", "b", "c!"], (0, 30));
    let records = runs(&order, 0..order.total());
    let whole = root.path().join("whole");
    write(&whole, &order, Shard::WHOLE, &records);
    for done in [0, 1, 8, 40, records.len()] {
        let dir = root.path().join(format!("after-{done}"));
        write(&dir, &order, Shard::WHOLE, &records[..done]);
        let interrupted = Results::open(&dir).unwrap().manifest().clone();
        assert_eq!(interrupted.done, done as u64);
        assert_eq!(interrupted.stopped.is_some(), done < records.len());

        let mut known = Vec::new();
        let mut writer = ResultsWriter::resume(&dir, order.clone(), Shard::WHOLE, &mut |record| {
            known.push(record.clone());
        })
        .unwrap();
        assert_eq!(known, records[..done]);
        assert_eq!(writer.rest(), done as u64..records.len() as u64);
        for record in &records[done..] {
            writer.record(record);
            let first = records
                .iter()
                .find(|other| other.failed == record.failed && other.scenario == record.scenario);
            if !record.failed.is_empty() && first == Some(record) {
                writer.failure(record.position, &fencing(), store(record.position));
            }
        }
        writer.finish(None, None).unwrap();
        assert_eq!(contents(&dir), contents(&whole), "after {done}");
        nothing_beside(&dir);
    }
}

#[test]
fn only_the_same_order_is_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let asked = order(&["a", "b"], (0, 30));
    let shard = Shard::new(1, 2).unwrap();
    write(&dir, &asked, shard, &runs(&asked, 0..4));
    let before = contents(&dir);
    let mut other = asked.clone();
    other.tool = "0.2.0".to_owned();
    other.overlays = vec!["lease.ttl=5s".to_owned()];
    other.scenarios[1].digest = "0".repeat(64);
    let refused = |order: &Order, shard| {
        let resumed = ResultsWriter::resume(&dir, order.clone(), shard, &mut |_| {});
        resumed.map(|_| ()).unwrap_err().to_string()
    };
    let error = refused(&other, shard);
    for words in [
        "version of the tool: 0.2.0 and 0.0.0",
        "--set: [lease.ttl=5s] and []",
        "scenario scenarios/b.toml: its text",
    ] {
        assert!(error.contains(words), "{words}: {error}");
    }
    let error = refused(&order(&["a", "b"], (0, 31)), shard);
    assert!(error.contains("seeds: 0..31 and 0..30"), "{error}");
    let error = refused(&asked, Shard::WHOLE);
    assert!(error.contains("--shard: 1/1 and 1/2"), "{error}");
    assert_eq!(contents(&dir), before);
}

#[test]
fn a_damaged_folder_is_told_by_file_and_reason() {
    let root = tempfile::tempdir().unwrap();
    let order = order(&["a", "b"], (0, 10));
    let damaged = |name: &str, damage: &dyn Fn(String) -> String| {
        let dir = root.path().join("out");
        write(&dir, &order, Shard::WHOLE, &runs(&order, 0..20));
        let file = dir.join(name);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, damage(text)).unwrap();
        let error = Results::open(&dir).unwrap_err();
        std::fs::remove_dir_all(&dir).unwrap();
        error.to_string()
    };
    let plan = "failures/b-fencing-accepted-older-token-contender-resource/plan.toml";
    for (name, damage, words) in [
        (
            RUNS,
            &(|text: String| text[..text.len() - 9].to_owned()) as &dyn Fn(String) -> String,
            "cut off in the middle of a line",
        ),
        (RUNS, &|text| text.replacen("pass", "fail", 1), "its digest differs"),
        (SUMMARY, &|_| String::new(), "its digest differs"),
        (plan, &|text| text + "# edited\n", "its digest differs"),
        (MANIFEST, &|text| text[..text.len() / 2].to_owned(), "this is not JSON"),
        (
            MANIFEST,
            &|text| text.replacen("\"format\": 2", "\"format\": 1", 1),
            "has the results format 1, this version of leasehold reads 2",
        ),
        (
            MANIFEST,
            &|text| text.replacen("\"done\": 20", "\"done\": 21", 1),
            "the ranges that it says it holds cannot be",
        ),
        (MANIFEST, &|text| text.replacen("\"done\": 20", "\"dine\": 20", 1), "unknown field `dine`"),
        (
            MANIFEST,
            &|text| text.replacen("\"shard\": null", "\"shard\": \"1/18446744073709551615\"", 1),
            "its slice 0..20 is not that of shard 1/18446744073709551615, which is 0..0",
        ),
        (
            MANIFEST,
            &|text| text.replacen("\"shard\": null", "\"shard\": \"9/3\"", 1),
            "there is no shard 9 of 3",
        ),
        (
            MANIFEST,
            &|text| text.replacen("\"runs.csv\":", "\"../runs.csv\":", 1),
            "it does not list runs.csv",
        ),
        (MANIFEST, &|text| text.replacen(plan, "../../plan.toml", 1), "outside of the folder"),
    ] {
        let error = damaged(name, damage);
        assert!(error.contains(words), "{name}, {words}: {error}");
        assert!(error.contains(name), "{error}");
    }
    let error = Results::open(root.path()).unwrap_err().to_string();
    assert!(error.contains("is no results folder: it has no manifest.json"), "{error}");
    let error = Results::open(&root.path().join("nowhere")).unwrap_err().to_string();
    assert!(error.contains("nowhere could not be read"), "{error}");
}

#[test]
fn runs_that_are_not_where_the_manifest_says_are_told() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("out");
    let order = order(&["a", "b"], (0, 10));
    write(&dir, &order, Shard::WHOLE, &runs(&order, 0..20));
    let file = dir.join(RUNS);
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().nth(5).unwrap();
    for (changed, words) in [
        (
            text.replacen(&format!("{line}\n"), "", 1),
            "expected position 4 under seed 2, found position 5 under seed 2",
        ),
        (text[..text.trim_end().rfind('\n').unwrap() + 1].to_owned(), "the run at position 19 is missing"),
        (format!("{text}{line}\n"), "it goes on with position 4"),
    ] {
        std::fs::write(&file, changed).unwrap();
        // Somebody who edits the runs may well mend the digest.
        let mut manifest = read_manifest(&dir).unwrap();
        manifest.files.insert(RUNS.to_owned(), digest_of(&file).unwrap());
        std::fs::write(dir.join(MANIFEST), writer::json(&manifest)).unwrap();
        let records: Result<Vec<RunRecord>, ResultsError> =
            Results::open(&dir).unwrap().records().unwrap().collect();
        let error = records.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
