//! `merge`, of the shards of a study.

use std::path::PathBuf;

use leasehold_campaign::{
    MergedStudy, Replace, ResultsError, SeedRange, Size, Study, StudyMergeError, StudyResults, merge_studies,
};
use leasehold_scenario::System;

use super::{Told, refuse_study, tell};
use crate::exit::Exit;
use crate::merge::MergeArgs;
use crate::refusal::misuse;
use crate::sweep::refuse_results;

/// Merges, and says what all of it came to.
pub(crate) fn merge(args: &MergeArgs, replace: Replace, systems: &[&dyn System]) -> Exit {
    let opened: Result<Vec<StudyResults>, ResultsError> =
        args.dirs.iter().map(|dir| StudyResults::open(dir)).collect();
    let inputs = match opened {
        Ok(inputs) => inputs,
        Err(error) => return refuse_results(&error),
    };
    let order = inputs[0].manifest().order.clone();
    let seeds = SeedRange::new(order.seeds.0, order.seeds.1).ok();
    // More points than usual were insisted on when the shards were run.
    let study = match Study::load(&PathBuf::from(&order.path), seeds, &order.overlays, Size::Forced, systems)
    {
        Ok(study) => study,
        Err(error) => return refuse_study(&error),
    };
    let MergedStudy { kept, missing, sums } = match merge_studies(&inputs, &study, &args.out, replace, None) {
        Ok(merged) => merged,
        Err(error) => return refuse(&error),
    };
    let exit = tell(&Told { study: &study, sums: &sums, kept: &kept, pace: None }, args.format, None);
    if missing.is_empty() || kept.broken.is_some() {
        return exit;
    }
    anstream::eprintln!("error: the merge is not complete, runs are missing:");
    missing.iter().for_each(|told| anstream::eprintln!("    {told}"));
    anstream::eprintln!("help: run what is missing, and merge it with {}", args.out.display());
    Exit::Incomplete
}

fn refuse(error: &StudyMergeError) -> Exit {
    match error {
        StudyMergeError::Results(error) => refuse_results(error),
        StudyMergeError::Mixed { .. } => misuse(&error.to_string(), "merge only shards of one study"),
        StudyMergeError::Changed { .. } => {
            misuse(&error.to_string(), "merge where the study is as it was when the shards were run")
        }
        StudyMergeError::Overlap { .. } => misuse(&error.to_string(), "leave out one of the two"),
        StudyMergeError::Contradiction { .. } => {
            anstream::eprintln!("error: {error}\nhelp: run the point on both machines and compare");
            Exit::NotDeterministic
        }
    }
}
