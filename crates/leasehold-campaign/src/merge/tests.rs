use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::results::samples::{any_record, bad, digest, fine, order, write};
use crate::results::tests::contents;

/// The folders that somebody has after running shards, some more than once.
#[derive(Debug)]
struct Desk {
    root: tempfile::TempDir,
    order: Order,
    records: Vec<RunRecord>,
}

impl Desk {
    fn new(order: Order, records: Vec<RunRecord>) -> Self {
        Self { root: tempfile::tempdir().unwrap(), order, records }
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a shard, or as much of it as was done.
    fn shard(&self, name: &str, shard: Shard, done: u64) -> PathBuf {
        let dir = self.dir(name);
        let slice = shard.slice(self.order.total());
        let records = &self.records[slice.start as usize..(slice.start + done).min(slice.end) as usize];
        write(&dir, &self.order, shard, records);
        dir
    }

    fn merge(&self, dirs: &[PathBuf], name: &str) -> PathBuf {
        let out = self.dir(name);
        merge(dirs, &out, Replace::Never).unwrap();
        out
    }

    fn whole(&self) -> BTreeMap<String, Vec<u8>> {
        contents(&self.shard("whole", Shard::WHOLE, u64::MAX >> 1))
    }
}

fn shard(index: u64, of: u64) -> Shard {
    Shard::new(index, of).unwrap()
}

const ALL: u64 = u64::MAX >> 1;

fn sample() -> Desk {
    let order = order(&["a", "b", "c!"], (0, 20));
    let runs = |position| if position % 5 == 3 { bad(&order, position) } else { fine(&order, position) };
    let records = (0..order.total()).map(runs).collect();
    Desk::new(order, records)
}

fn any_desk() -> impl Strategy<Value = Desk> {
    (0..3_usize, 0..2_usize, 1..12_u64).prop_flat_map(|(open, explicit, seeds)| {
        let names = ["a", "b", "c"].into_iter().take(open + 1).chain(["x!"].into_iter().take(explicit));
        let order = order(&names.collect::<Vec<_>>(), (7, 7 + seeds));
        let records: Vec<_> = (0..order.total()).map(|position| any_record(&order, position)).collect();
        records.prop_map(move |records| Desk::new(order.clone(), records))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However a sweep is cut, in whatever order the parts come, however often, however they are grouped.
    #[test]
    fn merged_shards_are_the_whole(
        desk in any_desk(),
        of in 1..6_u64,
        others in 1..6_u64,
        order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
        groups in proptest::collection::vec(0..3_usize, 12),
    ) {
        let whole = desk.whole();
        let mut dirs: Vec<PathBuf> = (1..=of).map(|k| desk.shard(&format!("one-{k}"), shard(k, of), ALL)).collect();
        // The same runs in another cut, too.
        dirs.extend((1..=others).map(|k| desk.shard(&format!("other-{k}"), shard(k, others), ALL)));
        let mixed: Vec<PathBuf> = order.into_iter().filter_map(|place| dirs.get(place).cloned()).collect();
        prop_assert_eq!(&contents(&desk.merge(&mixed, "at-once")), &whole);

        let mut parts = Vec::new();
        for group in 0..3 {
            let part: Vec<PathBuf> =
                mixed.iter().zip(&groups).filter(|(_, of)| **of == group).map(|(dir, _)| dir.clone()).collect();
            if !part.is_empty() {
                parts.push(desk.merge(&part, &format!("group-{group}")));
            }
        }
        parts.reverse();
        let grouped = desk.merge(&parts, "grouped");
        prop_assert_eq!(&contents(&grouped), &whole);
        prop_assert_eq!(&contents(&desk.merge(&[grouped.clone(), grouped], "twice")), &whole);
    }
}

#[test]
fn what_is_missing_is_named_and_can_be_added_later() {
    let desk = sample();
    let first = desk.shard("first", shard(1, 4), ALL);
    let second = desk.shard("second", shard(2, 4), 4);
    let fourth = desk.shard("fourth", shard(4, 4), ALL);
    let out = desk.dir("some");
    let Merged { kept, missing } = merge(&[fourth, second, first], &out, Replace::Never).unwrap();
    assert!(!kept.manifest.complete);
    assert_eq!(kept.manifest.covered, [(0, 14), (30, 41)]);
    assert_eq!(
        missing,
        [
            "16 runs, from scenarios/b.toml under seed 6 to scenarios/a.toml under seed 14 (shard 3/4)"
                .to_owned(),
            format!("{} is not complete: interrupted", desk.dir("second").display()),
        ]
    );
    let again = desk.shard("again", shard(2, 4), ALL);
    let third = desk.shard("third", shard(3, 4), ALL);
    let Merged { kept, missing } = merge(&[third, out, again], &desk.dir("all"), Replace::Never).unwrap();
    assert!(kept.manifest.complete && missing.is_empty());
    assert_eq!(contents(&kept.dir), desk.whole());
}

#[test]
fn what_is_asked_of_a_whole_sweep_is_not_asked_of_a_part() {
    let mut desk = sample();
    desk.order.scenarios[0].reach = vec![leasehold_core::event::Probe::Revoked];
    let unmet = |kept: &Kept| kept.manifest.unmet(&kept.tally)[0].len();
    let (one, two) = (desk.shard("one", shard(1, 2), ALL), desk.shard("two", shard(2, 2), ALL));
    let part = merge(std::slice::from_ref(&one), &desk.dir("part"), Replace::Never).unwrap();
    let whole = merge(&[one, two], &desk.dir("both"), Replace::Never).unwrap();
    // Some runs failed in both; that a place was never reached only the whole can say.
    assert_eq!((unmet(&part.kept), unmet(&whole.kept)), (1, 2));
}

fn refused(dirs: &[PathBuf], out: &Path) -> String {
    let error = merge(dirs, out, Replace::Never).unwrap_err().to_string();
    assert!(!out.exists(), "{error}");
    error
}

#[test]
fn shards_of_different_sweeps_are_refused_by_what_differs() {
    let mut desk = sample();
    let one = desk.shard("one", shard(1, 2), ALL);
    type Change = fn(&mut Order);
    let changes: [(&str, Change, &str); 6] = [
        ("tool", |order| order.tool = "0.2.0".to_owned(), "version of the tool: 0.0.0 and 0.2.0"),
        ("seeds", |order| order.seeds.1 += 1, "seeds: 0..20 and 0..21"),
        ("set", |order| order.overlays.push("lease.ttl=5s".to_owned()), "--set: [] and [lease.ttl=5s]"),
        ("audit", |order| order.audit_ppm = 0, "--audit: 50000 ppm and 0 ppm"),
        ("text", |order| order.scenarios[1].digest = "0".repeat(64), "scenario scenarios/b.toml: its text"),
        (
            "path",
            |order| order.scenarios[1].path = "b.toml".to_owned(),
            "scenario scenarios/b.toml: only in the one",
        ),
    ];
    let order = desk.order.clone();
    for (name, change, words) in changes {
        desk.order = order.clone();
        change(&mut desk.order);
        let slice = shard(2, 2).slice(desk.order.total());
        let records: Vec<_> = slice.map(|position| fine(&desk.order, position)).collect();
        let two = desk.dir(name);
        write(&two, &desk.order, shard(2, 2), &records);
        let error = refused(&[one.clone(), two.clone()], &desk.dir("out"));
        assert!(error.contains(words) && error.contains("are of different sweeps"), "{name}: {error}");
        assert!(error.contains(&two.display().to_string()), "{error}");
    }
}

#[test]
fn two_digests_for_one_run_are_not_deterministic() {
    let mut desk = sample();
    let one = desk.shard("one", shard(1, 2), ALL);
    desk.records[7].digest = digest(999);
    let other = desk.shard("other", Shard::WHOLE, ALL);
    let error = merge(&[one.clone(), other.clone()], &desk.dir("out"), Replace::Never).unwrap_err();
    assert!(matches!(error, MergeError::NotDeterministic(_)));
    let told = error.to_string();
    for words in ["scenarios/a.toml under seed 3", &one.display().to_string(), &other.display().to_string()] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!desk.dir("out").exists());
    // Which one comes first does not matter for whether it is seen.
    assert!(refused(&[other, one], &desk.dir("out")).starts_with("not deterministic"));
}

#[test]
fn a_run_that_one_shard_audited_and_another_did_not_is_seen() {
    let mut desk = sample();
    let one = desk.shard("one", shard(1, 2), ALL);
    desk.records[7].second_digest = Some(digest(999));
    let other = desk.shard("other", shard(1, 2), ALL);
    let error = refused(&[one, other], &desk.dir("out"));
    assert!(error.starts_with("not deterministic") && error.contains(&digest(999).to_string()), "{error}");
}

#[test]
fn shards_that_contradict_each_other_otherwise_are_refused() {
    let mut desk = sample();
    let one = desk.shard("one", shard(1, 2), ALL);
    desk.records[7].events += 1;
    let other = desk.shard("other", shard(1, 2), ALL);
    let error = refused(&[one, other], &desk.dir("out"));
    assert!(error.contains("tell different things about scenarios/a.toml under seed 3"), "{error}");
}

#[test]
fn any_number_of_shards_can_be_missing() {
    let desk = sample();
    let one = desk.shard("one", shard(1, u64::MAX), ALL);
    let Merged { missing, .. } = merge(&[one], &desk.dir("out"), Replace::Never).unwrap();
    let last = u128::from(desk.order.total());
    let first = u128::from(u64::MAX).div_ceil(last);
    assert!(missing[0].contains(&format!("(shards {first}/{}, ", u64::MAX)), "{missing:?}");
    assert!(missing[0].ends_with(&format!("{0}/{0})", u64::MAX)), "{missing:?}");
}

#[test]
fn a_damaged_shard_is_named_and_nothing_is_written() {
    let desk = sample();
    let one = desk.shard("one", shard(1, 2), ALL);
    let two = desk.shard("two", shard(2, 2), ALL);
    let file = two.join("runs.csv");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 20]).unwrap();
    let error = refused(&[one, two], &desk.dir("out"));
    assert!(
        error.contains(&file.display().to_string()) && error.contains("in the middle of a line"),
        "{error}"
    );
}

#[test]
fn the_first_of_each_kind_of_failure_is_kept() {
    let desk = sample();
    let (one, two) = (desk.shard("one", shard(1, 2), ALL), desk.shard("two", shard(2, 2), ALL));
    let merged = desk.merge(&[two, one], "out");
    let results = Results::open(&merged).unwrap();
    let stored: Vec<u64> = results.manifest().failures.iter().map(|failure| failure.position).collect();
    assert_eq!(stored, [3, 8]);
    for failure in &results.manifest().failures {
        let plan = std::fs::read_to_string(results.failure(failure).join("plan.toml")).unwrap();
        assert_eq!(plan, format!("# position {}\n", failure.position));
    }
}
