//! Scenarios with a `[plan]`: nothing is left to a seed.

use leasehold_core::noise::NoiseKey;

use super::{SHORT, parse};
use crate::Scenario;
use leasehold_core::{RateError, Span};

fn read(text: &str) -> Scenario {
    parse(&format!("{SHORT}{text}"), &[]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_a_plan_does_not_say_is_zero() {
    let scenario = read("[plan]\n");
    assert!(scenario.is_explicit() && !read("").is_explicit());
    let plan = scenario.plan(0);
    assert_eq!(plan, scenario.plan(1));
    assert_eq!(plan.noise, NoiseKey(0));
    for node in &plan.nodes {
        assert_eq!((node.rate, node.wall_offset, node.starts), (RateError::ZERO, 0, Span::ZERO));
    }
}

#[test]
fn what_a_plan_says_is_so_under_every_seed() {
    for (key, noise) in [("0x5f3c", 0x5f3c), ("0XFFFFFFFFFFFFFFFF", u64::MAX), ("17", 17), (" 007 ", 7)] {
        assert_eq!(read(&format!("[plan]\nnoise = \"{key}\"\n")).plan(3).noise, NoiseKey(noise));
    }
    let scenario = read(
        "[plan.starts]\nholder-1 = \"12.5ms\"\n[clocks.holder-2]\nwall_offset = \"-3s\"\n\
         [clocks.holder-3]\nrate = \"+20ppm\"\n",
    );
    let plan = scenario.plan(5);
    let starts: Vec<Span> = plan.nodes.iter().map(|node| node.starts).collect();
    let late = Span::from_micros(12_500);
    assert_eq!(starts, [Span::ZERO, late, Span::ZERO, Span::ZERO, Span::ZERO]);
    let offsets: Vec<i64> = plan.nodes.iter().map(|node| node.wall_offset).collect();
    assert_eq!(offsets, [0, 0, -3_000_000_000, 0, 0]);
    let rates: Vec<i64> = plan.nodes.iter().map(|node| node.rate.as_ppb()).collect();
    assert_eq!(rates, [0, 0, 0, 20_000, 0]);
}

/// Without a plan, one node's wall clock can be given and the others drawn.
#[test]
fn one_wall_clock_can_be_given_while_the_others_are_drawn() {
    let with = |more: &str| read(&format!("[clocks]\nwall_offset = \"2s\"\n{more}"));
    let (open, given) = (with(""), with("[clocks.holder-1]\nwall_offset = \"+5s\"\n"));
    for seed in 0..20 {
        let (mut open, given) = (open.plan(seed), given.plan(seed));
        assert!(open.nodes.iter().all(|node| node.wall_offset.abs() <= 2_000_000_000));
        open.nodes[1].wall_offset = 5_000_000_000;
        assert_eq!(open, given);
    }
}

#[test]
fn ranges_and_chaos_have_no_place_beside_a_plan() {
    for (text, place, words) in [
        (
            "[plan]\n[clocks]\nrate = \"10ppm\"\n",
            "8:8",
            &["`rate` is a range to draw from, but [plan] leaves nothing to a seed", "in [clocks.NODE]"][..],
        ),
        (
            "[clocks]\nwall_offset = \"1s\"\n[plan]\n",
            "7:15",
            &["`wall_offset` is a range to draw from", "or remove [plan]"],
        ),
        ("[plan]\n[chaos]\n", "7:2", &["[chaos] draws faults, but [plan] leaves nothing to a seed"]),
        ("[plan]\nnoise = 7\n", "7:9", &["expected a key of noise", "write \"7\", in quotes"]),
        ("[plan]\nnoise = \"0x1ffffffffffffffff\"\n", "7:9", &["it does not fit into 64 bits"]),
        ("[plan]\nnoise = \"-1\"\n", "7:9", &["it is a whole number, in decimal or after 0x"]),
        ("[plan]\nnoize = \"1\"\n", "7:1", &["unknown key `noize` in [plan]", "did you mean `noise`?"]),
        (
            "[plan.starts]\nholder-9 = \"1s\"\n",
            "7:12",
            &["no node is called `holder-9`", "holder-1 to holder-3"],
        ),
        ("[plan.starts]\nholder-1 = 1\n", "7:12", &["write \"1s\" for 1 seconds"]),
        ("[clocks.holder-1]\nwall_offset = 3\n", "7:15", &["write \"+3s\""]),
    ] {
        let shown = parse(&format!("{SHORT}{text}"), &[]).expect_err(text).to_string();
        assert!(shown.contains(&format!("good.toml:{place}\n")), "expected {place} in\n{shown}");
        for word in words {
            assert!(shown.contains(word), "expected {word} in\n{shown}");
        }
    }
}
