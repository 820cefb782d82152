//! Draws the values that a scenario's tables leave open.

use leasehold_core::plan::FaultKind;

use crate::case::Setting;
use crate::chaos::{Chaos, Part};
use crate::stream::{Purpose, Stream};

/// What a system draws its open values with. Each key has a stream of its own, so that a new key moves no other.
pub struct Dice<'a> {
    seed: u64,
    chaos: &'a Chaos,
    written: &'a dyn Fn(&str) -> Option<String>,
    settings: Vec<Setting>,
}

impl<'a> Dice<'a> {
    /// Dice for one seed. `written` says what a scenario says under a key path, as TOML, if it says anything.
    pub fn new(seed: u64, chaos: &'a Chaos, written: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { seed, chaos, written, settings: Vec::new() }
    }

    /// Whether values of this part are drawn in this run.
    pub fn draws(&self, part: Part) -> bool {
        self.chaos.parts.contains(&part)
    }

    /// Whether random faults of this kind may come.
    pub fn strikes(&self, kind: FaultKind) -> bool {
        self.chaos.kinds.contains(&kind)
    }

    /// Whether nobody has said anything under this key path.
    pub fn is_open(&self, key: &str) -> bool {
        self.value(key).is_none()
    }

    /// What the scenario says under a key path, or what was drawn for it, as TOML.
    pub fn value(&self, key: &str) -> Option<String> {
        let drawn = self.settings.iter().find(|setting| setting.key == key);
        drawn.and_then(|setting| setting.value.clone()).or_else(|| (self.written)(key))
    }

    /// The stream of a key.
    pub fn stream(&self, key: &str) -> Stream {
        Stream::new(self.seed, Purpose::Setting(key))
    }

    /// Decides a value, given as TOML. Does nothing if the key is not open.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        if self.is_open(key) {
            self.settings.push(Setting { key: key.to_owned(), value: Some(value.into()) });
        }
    }

    /// Decides a value, given as TOML, whatever the scenario says.
    pub fn replace(&mut self, key: &str, value: impl Into<String>) {
        self.settings.retain(|setting| setting.key != key);
        self.settings.push(Setting { key: key.to_owned(), value: Some(value.into()) });
    }

    /// In so many of a million runs, decides a key of a part, if it is open; in the others the default counts.
    pub fn sometimes(&mut self, part: Part, key: &str, ppm: u32, value: impl FnOnce(&mut Stream) -> String) {
        if self.draws(part) && self.is_open(key) {
            let mut stream = self.stream(key);
            if stream.happens(ppm) {
                let value = value(&mut stream);
                self.set(key, value);
            }
        }
    }

    /// In a quarter of the runs, decides a key of a part by one of these names; in the others the default counts.
    pub fn one_of(&mut self, part: Part, key: &str, names: &[&str]) {
        self.sometimes(part, key, 250_000, |stream| {
            format!("\"{}\"", names[stream.below(names.len() as u64) as usize])
        });
    }

    /// All that was decided.
    pub fn settings(self) -> Vec<Setting> {
        self.settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: &str) -> Option<String> {
        (key == "lease.ttl").then(|| "\"5s\"".to_owned())
    }

    fn drawn(seed: u64, chaos: &Chaos, more: bool) -> Vec<Setting> {
        let mut dice = Dice::new(seed, chaos, &written);
        dice.one_of(Part::Timing, "lease.ttl", &["1s"]);
        dice.one_of(Part::Policies, "grantor.queue", &["none", "fifo"]);
        if more {
            dice.one_of(Part::Policies, "grantor.clock", &["wall"]);
        }
        dice.one_of(Part::Policies, "holder.identity", &["node"]);
        dice.settings()
    }

    #[test]
    fn what_is_written_stays_and_a_new_key_moves_no_other() {
        let chaos = Chaos::default();
        let mut seen = 0;
        for seed in 0..400 {
            let (few, mut many) = (drawn(seed, &chaos, false), drawn(seed, &chaos, true));
            assert!(few.iter().all(|setting| setting.key != "lease.ttl"));
            seen += many.len();
            many.retain(|setting| setting.key != "grantor.clock");
            assert_eq!(few, many);
        }
        assert!((250..350).contains(&seen), "a quarter of 1,200, found {seen}");
    }

    #[test]
    fn parts_that_are_not_drawn_keep_their_defaults() {
        let chaos = Chaos { parts: vec![Part::Timing], ..Chaos::default() };
        assert!((0..100).all(|seed| drawn(seed, &chaos, true).is_empty()));
    }

    #[test]
    fn a_value_that_is_replaced_is_not_open_any_more() {
        let chaos = Chaos::default();
        let mut dice = Dice::new(1, &chaos, &written);
        dice.replace("lease.ttl", "\"1s\"");
        dice.replace("lease.ttl", "\"2s\"");
        dice.set("lease.ttl", "\"3s\"");
        assert_eq!(dice.value("lease.ttl").as_deref(), Some("\"2s\""));
        assert_eq!(dice.settings().len(), 1);
    }
}
