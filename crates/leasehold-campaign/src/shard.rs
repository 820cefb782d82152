//! A shard: one of several equal slices of a sweep, each for a machine of its own.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// One slice out of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u64,
    of: u64,
}

/// A shard that an engine's environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The shard.
    pub shard: Shard,
    /// Where it comes from, in words: engine, variables and their values.
    pub from: String,
}

/// Why something is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Not `K/N`.
    #[error("`{0}` is no shard: write K/N with K from 1 to N, for example 2/3, or auto")]
    Malformed(String),
    /// The index is 0.
    #[error("shards are counted from 1: {index}/{of} should be {next}/{of} if your engine counts from 0", next = index + 1)]
    Zero {
        /// As given.
        index: u64,
        /// As given.
        of: u64,
    },
    /// The index is beyond the last.
    #[error("there is no shard {index} of {of}: the last is {of}/{of}")]
    Beyond {
        /// As given.
        index: u64,
        /// As given.
        of: u64,
    },
    /// No shards at all.
    #[error("a sweep cannot be cut into 0 shards: write K/N with N from 1")]
    None,
    /// The environment says nothing.
    #[error(
        "no shard is named by the environment: there is no SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or \
         CI_NODE_INDEX; write --shard K/N with K from 1"
    )]
    NotNamed,
    /// A variable is missing or makes no sense.
    #[error("{engine} names no shard: {problem}; write --shard K/N with K from 1")]
    Unclear {
        /// Whose variables.
        engine: &'static str,
        /// What is wrong with them.
        problem: String,
    },
    /// Two engines name different shards.
    #[error("the environment names two shards, {first} and {second}; write --shard K/N")]
    Disagree {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
}

impl Shard {
    /// The whole sweep.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// A shard by its number from 1.
    ///
    /// # Errors
    ///
    /// If there is no such one.
    pub const fn new(index: u64, of: u64) -> Result<Self, ShardError> {
        match (index, of) {
            (_, 0) => Err(ShardError::None),
            (0, _) => Err(ShardError::Zero { index, of }),
            _ if index > of => Err(ShardError::Beyond { index, of }),
            _ => Ok(Self { index, of }),
        }
    }

    /// Its number, from 1.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Out of how many.
    pub const fn of(self) -> u64 {
        self.of
    }

    /// Its positions in a sweep of so many: all shards together have each once, and differ by one at most in size.
    pub fn slice(self, total: u64) -> Range<u64> {
        let cut = |k: u64| {
            let position = u128::from(total) * u128::from(k) / u128::from(self.of);
            u64::try_from(position).expect("a part of a u64 is one")
        };
        cut(self.index - 1)..cut(self.index)
    }

    /// The one of so many shards that has this position of a sweep of so many.
    ///
    /// # Panics
    ///
    /// If the sweep has no such position, or there are no shards.
    pub fn holding(position: u64, of: u64, total: u64) -> Self {
        assert!(position < total && of > 0, "position {position} of {total}, in {of} shards");
        // The first whose slice ends behind it.
        let index = (u128::from(position) + 1) * u128::from(of);
        let index = u64::try_from(index.div_ceil(u128::from(total))).expect("it is at most their number");
        Self { index, of }
    }

    /// The shard that the environment names: that of a Slurm array, a Kubernetes Indexed Job, or a GitLab job with
    /// `parallel`. `env` gives the value of a variable.
    ///
    /// # Errors
    ///
    /// If none of them does, one does not say enough, or two disagree.
    pub fn auto(env: &dyn Fn(&str) -> Option<String>) -> Result<Taken, ShardError> {
        let mut taken: Option<Taken> = None;
        for found in [slurm(env), kubernetes(env), gitlab(env)] {
            let Some(found) = found? else { continue };
            match &taken {
                None => taken = Some(found),
                Some(first) if first.shard == found.shard => {}
                Some(first) => {
                    let told = |taken: &Taken| format!("{} ({})", taken.shard, taken.from);
                    return Err(ShardError::Disagree { first: told(first), second: told(&found) });
                }
            }
        }
        taken.ok_or(ShardError::NotNamed)
    }
}

/// Arrays begin at any number and may have a step. A list such as `--array=1,2,5` has neither, and cannot be told from
/// one by its first and last number alone: so their count is held against the step.
fn slurm(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Taken>, ShardError> {
    let variables = Variables { engine: "a Slurm array", env };
    let Some(id) = variables.number("SLURM_ARRAY_TASK_ID")? else { return Ok(None) };
    let min = variables.required("SLURM_ARRAY_TASK_MIN")?;
    let max = variables.required("SLURM_ARRAY_TASK_MAX")?;
    let count = variables.required("SLURM_ARRAY_TASK_COUNT")?;
    let step = variables.number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1);
    let from = format!("{}, SLURM_ARRAY_TASK_ID={id} of {min} to {max}", variables.engine);
    if step == 0 || id < min || id > max || (id - min) % step != 0 || (max - min) / step + 1 != count {
        let problem = format!("task {id} of {count} from {min} to {max} by {step} is no even row of numbers");
        return Err(variables.unclear(problem));
    }
    Ok(Some(Taken { shard: Shard::new((id - min) / step + 1, count)?, from }))
}

/// Kubernetes counts from 0 and does not tell how many there are: the job's file has to.
fn kubernetes(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Taken>, ShardError> {
    let variables = Variables { engine: "a Kubernetes Indexed Job", env };
    let Some(index) = variables.number("JOB_COMPLETION_INDEX")? else { return Ok(None) };
    let of = variables.required("JOB_COMPLETIONS").map_err(|error| match error {
        ShardError::Unclear { engine, problem } => {
            let problem = format!("{problem} (Kubernetes does not set it: give it in the job's env)");
            ShardError::Unclear { engine, problem }
        }
        other => other,
    })?;
    if index >= of {
        return Err(variables.unclear(format!("index {index} is beyond the last of {of}")));
    }
    let from = format!("{}, JOB_COMPLETION_INDEX={index} of 0 to {}", variables.engine, of - 1);
    Ok(Some(Taken { shard: Shard::new(index + 1, of)?, from }))
}

/// GitLab sets `CI_NODE_TOTAL=1` for every job, and `CI_NODE_INDEX` only for those with `parallel`.
fn gitlab(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Taken>, ShardError> {
    let variables = Variables { engine: "GitLab", env };
    let Some(index) = variables.number("CI_NODE_INDEX")? else { return Ok(None) };
    let of = variables.required("CI_NODE_TOTAL")?;
    let shard = Shard::new(index, of).map_err(|error| variables.unclear(error.to_string()))?;
    Ok(Some(Taken { shard, from: format!("{}, CI_NODE_INDEX={index} of 1 to {of}", variables.engine) }))
}

/// The variables of one engine.
struct Variables<'e> {
    engine: &'static str,
    env: &'e dyn Fn(&str) -> Option<String>,
}

impl Variables<'_> {
    fn number(&self, name: &str) -> Result<Option<u64>, ShardError> {
        match (self.env)(name).filter(|value| !value.trim().is_empty()) {
            None => Ok(None),
            Some(value) => match value.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.unclear(format!("{name} is `{value}`, no number"))),
            },
        }
    }

    fn required(&self, name: &str) -> Result<u64, ShardError> {
        self.number(name)?.ok_or_else(|| self.unclear(format!("there is no {name}")))
    }

    fn unclear(&self, problem: String) -> ShardError {
        ShardError::Unclear { engine: self.engine, problem }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let malformed = || ShardError::Malformed(text.to_owned());
        let (index, of) = text.split_once('/').ok_or_else(malformed)?;
        let number = |part: &str| part.trim().parse::<u64>().map_err(|_| malformed());
        Self::new(number(index)?, number(of)?)
    }
}

impl fmt::Display for Shard {
    /// `2/3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn auto(variables: &[(&str, &str)]) -> Result<Taken, ShardError> {
        Shard::auto(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_shard_is_written_k_of_n_from_one() {
        assert_eq!("2/3".parse(), Shard::new(2, 3));
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        for (text, words) in [
            ("0/3", "0/3 should be 1/3"),
            ("4/3", "there is no shard 4 of 3"),
            ("1/0", "0 shards"),
            ("", "K/N"),
            ("2", "K/N"),
            ("a/b", "K/N"),
            ("-1/3", "K/N"),
            ("1/3/4", "K/N"),
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn the_slices_cover_every_position_once_and_are_equal(total in prop_oneof![0..100_u64, any::<u64>()], of in 1..50_u64) {
            let mut next = 0;
            let mut sizes = Vec::new();
            for index in 1..=of {
                let slice = Shard::new(index, of).unwrap().slice(total);
                prop_assert_eq!(slice.start, next);
                sizes.push(slice.end - slice.start);
                next = slice.end;
            }
            prop_assert_eq!(next, total);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }

    const SLURM: [&str; 5] = [
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_COUNT",
        "SLURM_ARRAY_TASK_STEP",
    ];

    #[test]
    fn each_engine_counts_in_its_own_way() {
        for ([id, min, max, count, step], expected) in [
            (["0", "0", "6", "7", "1"], "1/7"),
            (["6", "0", "6", "7", "1"], "7/7"),
            (["1", "1", "7", "7", "1"], "1/7"),
            (["10", "2", "10", "5", "2"], "5/5"),
            // The last number of 2-11:4 is 10.
            (["6", "2", "10", "3", "4"], "2/3"),
        ] {
            let values = [id, min, max, count, step];
            let variables: Vec<(&str, &str)> = SLURM.into_iter().zip(values).collect();
            let taken = auto(&variables).unwrap();
            assert_eq!(taken.shard.to_string(), expected, "{values:?}");
            assert!(taken.from.contains("Slurm") && taken.from.contains(&format!("={id} of {min} to {max}")));
        }
        let kubernetes = auto(&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "7")]).unwrap();
        assert_eq!(kubernetes.shard.to_string(), "1/7");
        let gitlab = auto(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "7")]).unwrap();
        assert_eq!(gitlab.shard.to_string(), "1/7");
        assert!(gitlab.from.contains("GitLab"));
    }

    #[test]
    fn what_names_no_shard_says_what_is_missing() {
        for (variables, words) in [
            (&[][..], "no shard is named"),
            // Outside of `parallel`, GitLab sets this alone.
            (&[("CI_NODE_TOTAL", "1")], "no shard is named"),
            (&[("CI_NODE_INDEX", "2")], "no CI_NODE_TOTAL"),
            (&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")], "counted from 1"),
            (&[("JOB_COMPLETION_INDEX", "2")], "no JOB_COMPLETIONS (Kubernetes does not set it"),
            (&[("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "2")], "beyond the last"),
            (&[("JOB_COMPLETION_INDEX", "two")], "`two`, no number"),
            (&[("SLURM_ARRAY_TASK_ID", "2")], "no SLURM_ARRAY_TASK_MIN"),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "2"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_MAX", "5"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                "no even row",
            ),
            (
                &[
                    ("CI_NODE_INDEX", "1"),
                    ("CI_NODE_TOTAL", "2"),
                    ("JOB_COMPLETION_INDEX", "1"),
                    ("JOB_COMPLETIONS", "2"),
                ],
                "two shards, 2/2 (a Kubernetes Indexed Job",
            ),
        ] {
            let error = auto(variables).unwrap_err().to_string();
            assert!(error.contains(words), "{variables:?}: {error}");
        }
    }

    #[test]
    fn two_engines_that_agree_are_no_problem() {
        let variables = [
            ("CI_NODE_INDEX", "2"),
            ("CI_NODE_TOTAL", "2"),
            ("JOB_COMPLETION_INDEX", "1"),
            ("JOB_COMPLETIONS", "2"),
        ];
        assert_eq!(auto(&variables).unwrap().shard, Shard::new(2, 2).unwrap());
    }
}
