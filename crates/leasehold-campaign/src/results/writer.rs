//! Writes a results folder, run by run.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::place::{Place, files_below, why_no_results};
use super::rows::{RowReader, RowWriter};
use super::{
    FAILURES, HISTOGRAMS, JUNIT, MANIFEST, Manifest, Order, REPORT, RUNS, Replace, Results, ResultsError,
    SUMMARY, StoredFailure, TIMING, digest_of, histograms, report, summary,
};
use crate::confirm::Confirmed;
use crate::fingerprint::Fingerprint;
use crate::junit::junit;
use crate::record::RunRecord;
use crate::shard::Shard;
use crate::tally::Tally;

/// Room that is kept on the disk and given up when it is full, so that what is complete can be written to its end.
/// Chosen by us: about twice what the sums of a hundred scenarios take.
const RESERVE: usize = 2 << 20;
const RESERVE_NAME: &str = ".reserve";

/// Where the runs are written to.
type Out = Box<dyn Write + Send>;

/// A results folder in the making. It stands beside its place under another name until it is [finished](Self::finish);
/// given up before, it is removed.
pub struct ResultsWriter {
    place: Place,
    manifest: Manifest,
    rows: RowWriter<Out>,
    tally: Tally,
    covered: Vec<Range<u64>>,
    failures: BTreeMap<String, StoredFailure>,
    /// The first thing that could not be written, and the position since which nothing counts any more.
    broken: Option<(ResultsError, u64)>,
}

/// Wall-clock figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// How long it took.
    pub seconds: f64,
    /// On how many threads.
    pub jobs: usize,
}

/// What was kept.
#[derive(Debug)]
pub struct Kept {
    /// Where: beside its place, if it could not be put there.
    pub dir: PathBuf,
    /// What.
    pub manifest: Manifest,
    /// The sum of its runs.
    pub tally: Tally,
    /// What could not be written: why it is not complete, or not in its place.
    pub broken: Option<ResultsError>,
}

impl ResultsWriter {
    /// Begins a folder that holds nothing yet.
    ///
    /// # Errors
    ///
    /// If it is there already and not to be replaced, or holds something else, or nothing can be written beside it.
    pub fn create(dir: &Path, order: Order, shard: Shard, replace: Replace) -> Result<Self, ResultsError> {
        Self::create_in(dir, Manifest::new(order, shard), replace, &|file| Box::new(file))
    }

    fn create_in(
        dir: &Path,
        manifest: Manifest,
        replace: Replace,
        out: &dyn Fn(std::fs::File) -> Out,
    ) -> Result<Self, ResultsError> {
        let place = Place::new(dir, replace, why_no_results)?;
        let reserve = place.path().join(RESERVE_NAME);
        fs_err::write(&reserve, vec![b'\n'; RESERVE]).map_err(ResultsError::not_written(&reserve))?;
        let path = place.path().join(RUNS);
        let not_written = || ResultsError::not_written(&path);
        let file = std::fs::File::create(&path).map_err(not_written())?;
        let rows = RowWriter::create(out(file), manifest.order.paths()).map_err(not_written())?;
        let (tally, covered, failures) = (Tally::default(), Vec::new(), BTreeMap::new());
        Ok(Self { place, manifest, rows, tally, covered, failures, broken: None })
    }

    /// Goes on with a folder that is not complete: what is there is taken over, and the result replaces it. The
    /// second part is what is there, one run after the other, for whoever has to know.
    ///
    /// # Errors
    ///
    /// If the folder is damaged, or of another order or shard, or has gaps.
    pub fn resume(
        dir: &Path,
        order: Order,
        shard: Shard,
        known: &mut dyn FnMut(&RunRecord),
    ) -> Result<Self, ResultsError> {
        let earlier = Results::open(dir)?;
        let found = earlier.manifest();
        let mut differences = order.differences(&found.order);
        let manifest = Manifest::new(order, shard);
        if manifest.slice != found.slice {
            let slice = |manifest: &Manifest| manifest.shard.clone().unwrap_or_else(|| "1/1".to_owned());
            differences.push(format!("--shard: {} and {}", slice(&manifest), slice(found)));
        }
        if !differences.is_empty() {
            return Err(ResultsError::OtherOrder { dir: dir.to_owned(), differences });
        }
        let prefix = found.slice.0..found.slice.0 + found.done;
        if !found.ranges().eq(std::iter::once(prefix).filter(|range| !range.is_empty())) {
            return Err(ResultsError::Gaps(dir.to_owned()));
        }
        let mut writer = Self::create_in(dir, manifest, Replace::Results, &|file| Box::new(file))?;
        for record in earlier.records()? {
            let record = record?;
            known(&record);
            writer.record(&record);
        }
        for failure in &found.failures {
            writer.copy_failure(&earlier, failure);
        }
        match writer.broken.take() {
            Some((error, _)) => Err(error),
            None => Ok(writer),
        }
    }

    /// The folder that is being written, where it stands now.
    pub fn folder(&self) -> &Path {
        self.place.path()
    }

    /// What was ordered.
    pub fn order(&self) -> &Order {
        &self.manifest.order
    }

    /// The positions of its slice behind those that are there.
    pub fn rest(&self) -> Range<u64> {
        let next = self.covered.last().map_or(self.manifest.slice.0, |last| last.end);
        next..self.manifest.slice.1
    }

    /// What could not be written, if something could not: from there on nothing is kept any more, and there is no
    /// point in going on.
    pub fn broken(&self) -> Option<&ResultsError> {
        self.broken.as_ref().map(|(error, _)| error)
    }

    /// Adds a run.
    ///
    /// # Panics
    ///
    /// If its position is not behind that of the last, or not in the slice.
    pub fn record(&mut self, record: &RunRecord) {
        if self.broken.is_some() {
            return;
        }
        assert!(self.rest().contains(&record.position), "position {} is not to come now", record.position);
        match self.covered.last_mut() {
            Some(last) if last.end == record.position => last.end += 1,
            _ => self.covered.push(record.position..record.position + 1),
        }
        self.tally.add(record);
        if let Err(error) = self.rows.write(record) {
            self.break_off(RUNS, error, self.manifest.slice.1);
        }
    }

    /// Adds a failure: `store` writes its folder to the path it is given.
    pub fn failure(
        &mut self,
        position: u64,
        fingerprint: &Fingerprint,
        store: impl FnOnce(&Path) -> io::Result<()>,
    ) {
        if self.broken.is_some() {
            return;
        }
        let order = &self.manifest.order;
        let (scenario, seed) = order.job(position);
        let id = order.failure_id(scenario, fingerprint);
        let failures = self.place.path().join(FAILURES);
        let folder = failures.join(&id);
        let stored = fs_err::create_dir_all(&failures).and_then(|()| store(&folder));
        if let Err(error) = stored {
            // What is there of it is of no use, and takes room; its run is left for later.
            let _ = fs_err::remove_dir_all(&folder);
            self.break_off(&format!("{FAILURES}/{id}"), error, position);
            return;
        }
        let fingerprint = fingerprint.clone();
        self.failures.insert(id.clone(), StoredFailure { id, scenario, position, seed, fingerprint });
    }

    /// Adds a failure that another folder has, if it is of a kind that is kept: a shard may have kept kinds that are
    /// not among the first of the whole.
    pub(crate) fn copy_failure(&mut self, from: &Results, failure: &StoredFailure) {
        let scenario = self.tally.scenarios.get(failure.scenario);
        if scenario.is_some_and(|tally| !tally.failures.contains_key(&failure.fingerprint)) {
            return;
        }
        let files = from.failure_files(failure);
        let source = from.failure(failure);
        self.failure(failure.position, &failure.fingerprint, |folder| {
            fs_err::create_dir(folder)?;
            for (name, _) in files {
                let target = folder.join(name);
                fs_err::create_dir_all(target.parent().expect("a file stands in a folder"))?;
                fs_err::copy(source.join(name), target)?;
            }
            Ok(())
        });
    }

    /// Adds what the other engine says of some runs. What is there already is not added again.
    pub fn confirmed(&mut self, runs: impl IntoIterator<Item = Confirmed>) {
        let confirmed = &mut self.manifest.confirmed;
        confirmed.extend(runs);
        let rank = |run: &Confirmed| (run.failed.is_none(), run.position, run.failed.clone());
        confirmed.sort_by(|one, other| (rank(one), &one.agreement).cmp(&(rank(other), &other.agreement)));
        confirmed.dedup_by(|one, other| rank(one) == rank(other));
    }

    fn break_off(&mut self, name: &str, error: io::Error, until: u64) {
        let path = self.place.target().join(name);
        self.broken = Some((ResultsError::not_written(&path)(error), until));
    }

    /// Writes the sums, and puts the folder into its place. `stopped` says why it is not complete, if that is so.
    ///
    /// If something could not be written before, what was complete until then is kept, and told with the rest.
    ///
    /// # Errors
    ///
    /// If even that cannot be written.
    pub fn finish(mut self, stopped: Option<String>, timing: Option<Timing>) -> Result<Kept, ResultsError> {
        if self.broken.is_none()
            && let Err(error) = self.rows.flush()
        {
            self.break_off(RUNS, error, self.manifest.slice.1);
        }
        let reserve = self.place.path().join(RESERVE_NAME);
        fs_err::remove_file(&reserve).map_err(ResultsError::not_written(&reserve))?;
        if let Some((_, until)) = self.broken {
            // Lines may have waited when a failure could not be stored; now there is room for them.
            let _ = self.rows.flush();
            self.cut_back(until)?;
        }
        self.manifest.covers(&self.covered);
        self.manifest.stopped = match &self.broken {
            _ if self.manifest.complete => None,
            Some((error, _)) => Some(error.to_string()),
            None => stopped,
        };
        let covered = &self.covered;
        self.manifest.confirmed.retain(|run| covered.iter().any(|range| range.contains(&run.position)));
        self.manifest.failures = std::mem::take(&mut self.failures).into_values().collect();
        self.write(SUMMARY, &summary(&self.manifest, &self.tally))?;
        self.write(JUNIT, &junit(&self.manifest, &self.tally))?;
        self.write(REPORT, &report(&self.manifest, &self.tally))?;
        if let Some(log) = histograms(&self.manifest, &self.tally) {
            self.write(HISTOGRAMS, &log)?;
        }
        if let Some(timing) = timing {
            self.write(TIMING, &json(&timing))?;
        }
        let mut names = Vec::new();
        let root = self.place.path();
        files_below(root, Path::new(""), &mut names).map_err(ResultsError::not_read(root))?;
        for name in names.into_iter().filter(|name| name != TIMING) {
            let digest = digest_of(&root.join(&name))?;
            self.manifest.files.insert(name, digest);
        }
        self.write(MANIFEST, &json(&self.manifest))?;
        let Self { place, manifest, tally, broken, .. } = self;
        let (dir, settled) = place.settle();
        let broken = settled.err().or(broken.map(|(error, _)| error));
        Ok(Kept { dir, manifest, tally, broken })
    }

    /// The same, unless something could not be written: then nothing is kept.
    ///
    /// # Errors
    ///
    /// If something could not be written.
    pub(crate) fn finish_whole(mut self) -> Result<Kept, ResultsError> {
        let flushed = self.rows.flush();
        match (self.broken.take(), flushed) {
            (Some((error, _)), _) => Err(error),
            (None, Err(error)) => Err(ResultsError::not_written(&self.place.target().join(RUNS))(error)),
            (None, Ok(())) => {
                let mut kept = self.finish(None, None)?;
                kept.broken.take().map_or(Ok(kept), Err)
            }
        }
    }

    /// Takes back the runs from a position on, and those that are not written to their end.
    fn cut_back(&mut self, until: u64) -> Result<(), ResultsError> {
        let path = self.place.path().join(RUNS);
        let written = self.rows.written();
        let file = OpenOptions::new().write(true).open(&path).map_err(ResultsError::not_written(&path))?;
        file.set_len(written.bytes).map_err(ResultsError::not_written(&path))?;
        let input = fs_err::File::open(&path).map_err(ResultsError::not_read(&path))?;
        let mut rows = RowReader::new(input, &self.manifest.order.paths());
        self.tally = Tally::default();
        let mut good =
            rows.skip_columns().map_err(|error| ResultsError::damaged(&path, error.to_string()))?;
        let mut last = None;
        while let Some(record) = rows.next() {
            let record = record.map_err(|error| ResultsError::damaged(&path, error.to_string()))?;
            if record.position >= until {
                break;
            }
            self.tally.add(&record);
            last = Some(record.position);
            good = rows.offset();
        }
        file.set_len(good).map_err(ResultsError::not_written(&path))?;
        let end = last.map_or(0, |last| last + 1);
        let kept = |range: &Range<u64>| (range.start < end).then(|| range.start..range.end.min(end));
        self.covered = self.covered.iter().filter_map(kept).collect();
        let lost: Vec<String> =
            self.failures.values().filter(|f| f.position >= end).map(|f| f.id.clone()).collect();
        for id in lost {
            self.failures.remove(&id);
            let folder = self.place.path().join(FAILURES).join(&id);
            fs_err::remove_dir_all(&folder).map_err(ResultsError::not_written(&folder))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), ResultsError> {
        let path = self.place.path().join(name);
        // The path that people know is that of the place.
        fs_err::write(&path, text).map_err(ResultsError::not_written(&self.place.target().join(name)))
    }
}

/// As it stands in a file: over several lines, so that people can read it and `diff` shows what differs.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("names, numbers and lists can be written as JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples::{bad, fencing, fine, order, store};
    use super::*;

    /// A disk with room for so many bytes of runs.
    struct Small {
        file: std::fs::File,
        room: usize,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let written = self.file.write(&bytes[..bytes.len().min(self.room)])?;
            self.room -= written;
            Ok(written)
        }
        fn flush(&mut self) -> io::Result<()> {
            self.file.flush()
        }
    }

    fn on_a_small_disk(dir: &Path, order: &Order, room: usize) -> ResultsWriter {
        let manifest = Manifest::new(order.clone(), Shard::WHOLE);
        ResultsWriter::create_in(dir, manifest, Replace::Never, &|file| Box::new(Small { file, room }))
            .unwrap()
    }

    #[test]
    fn what_is_complete_stays_when_the_disk_is_full() {
        let root = tempfile::tempdir().unwrap();
        let order = order(&["a"], (0, 2_000));
        for (room, at_least) in [(200, 0), (90_000, 256), (300_000, 1_024)] {
            let dir = root.path().join(room.to_string());
            let mut writer = on_a_small_disk(&dir, &order, room);
            for position in 0..2_000 {
                let record = if position == 3 || position == 1_999 { bad } else { fine }(&order, position);
                writer.record(&record);
                if position == 3 {
                    writer.failure(3, &fencing(), store(3));
                }
            }
            let told = writer.broken().map(ToString::to_string);
            let kept = writer.finish(Some("interrupted".to_owned()), None).unwrap();
            let error = kept.broken.unwrap().to_string();
            assert_eq!(told.unwrap_or(error.clone()), error);
            assert!(error.contains(&dir.join(RUNS).display().to_string()), "{error}");
            assert!(error.contains("no storage space"), "{error}");

            let results = Results::open(&dir).unwrap();
            let done = results.manifest().done;
            assert!(!results.manifest().complete && done >= at_least && done < 2_000, "{done}");
            assert_eq!(results.manifest().stopped.as_ref(), Some(&error));
            assert_eq!(results.records().unwrap().map(Result::unwrap).count() as u64, done);
            assert_eq!(results.manifest().failures.len(), usize::from(done > 3));
            assert_eq!(kept.tally.runs(), done);

            // There is room again: the rest is the same as if there always had been.
            let mut writer = ResultsWriter::resume(&dir, order.clone(), Shard::WHOLE, &mut |_| {}).unwrap();
            assert_eq!(writer.rest(), done..2_000);
            (done..2_000).for_each(|position| writer.record(&fine(&order, position)));
            assert!(writer.finish(None, None).unwrap().manifest.complete);
        }
    }

    #[test]
    fn a_failure_that_cannot_be_stored_is_left_for_later_with_all_runs_from_it_on() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("out");
        let order = order(&["a", "b"], (0, 50));
        let mut writer = ResultsWriter::create(&dir, order.clone(), Shard::WHOLE, Replace::Never).unwrap();
        (0..60).for_each(|position| {
            let record = if position < 20 { fine(&order, position) } else { bad(&order, position) };
            writer.record(&record);
        });
        writer.failure(20, &fencing(), store(20));
        writer.failure(21, &fencing(), |folder| {
            std::fs::create_dir(folder)?;
            std::fs::write(folder.join("plan.toml"), "half of")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(writer.broken().is_some());
        let kept = writer.finish(None, None).unwrap();
        assert_eq!(kept.manifest.covered, [(0, 21)]);
        let stored: Vec<u64> = kept.manifest.failures.iter().map(|failure| failure.position).collect();
        assert_eq!(stored, [20]);
        let results = Results::open(&dir).unwrap();
        assert_eq!(results.records().unwrap().map(Result::unwrap).count(), 21);
        assert!(!dir.join(FAILURES).join(order.failure_id(1, &fencing())).exists());
    }

    #[test]
    fn what_finds_its_place_taken_stays_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("out");
        let order = order(&["a"], (0, 3));
        for (replace, problem) in [
            (Replace::Never, "it has come to be there meanwhile"),
            (Replace::Results, "it holds files, and no manifest.json of results"),
        ] {
            let mut writer = ResultsWriter::create(&dir, order.clone(), Shard::WHOLE, replace).unwrap();
            (0..3).for_each(|position| writer.record(&fine(&order, position)));
            std::fs::create_dir(&dir).unwrap();
            std::fs::write(dir.join("diary"), "mine").unwrap();
            let kept = writer.finish(None, None).unwrap();
            let error = kept.broken.unwrap();
            assert!(error.is_about_writing());
            let told = format!("{problem}; the results are in {}", kept.dir.display());
            assert!(error.to_string().ends_with(&told), "{error}");
            assert_ne!(kept.dir, dir);
            assert!(Results::open(&kept.dir).unwrap().manifest().complete);
            assert_eq!(std::fs::read_to_string(dir.join("diary")).unwrap(), "mine");
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }

    #[test]
    fn wall_clock_figures_stand_apart() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("out");
        let order = order(&["a"], (0, 1));
        let mut writer = ResultsWriter::create(&dir, order.clone(), Shard::WHOLE, Replace::Never).unwrap();
        writer.record(&fine(&order, 0));
        let kept = writer.finish(None, Some(Timing { seconds: 1.5, jobs: 2 })).unwrap();
        assert!(!kept.manifest.files.contains_key(TIMING));
        assert!(std::fs::read_to_string(dir.join(TIMING)).unwrap().contains("\"seconds\": 1.5"));
    }
}
