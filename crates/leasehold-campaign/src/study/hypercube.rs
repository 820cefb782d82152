//! Points of a space that is too large for a grid: a Latin hypercube.
//!
//! Each axis is cut into as many equal parts as there are points, and each part of each axis has one point. Source: McKay,
//! Beckman and Conover 1979.

use leasehold_plan::{Purpose, Stream};
use leasehold_scenario::{Axis, Quantity, Sample};

/// Values for the axes of each point, in an order that only the seed decides. An axis with fewer values than there are points
/// has each of them about equally often.
pub(super) fn draw(axes: &[(&str, &Axis)], sample: Sample) -> Vec<Vec<Quantity>> {
    let count = sample.points as usize;
    let columns: Vec<Vec<Quantity>> = axes.iter().map(|(name, axis)| column(name, axis, sample)).collect();
    (0..count).map(|point| columns.iter().map(|column| column[point].clone()).collect()).collect()
}

fn column(name: &str, axis: &Axis, sample: Sample) -> Vec<Quantity> {
    let count = sample.points as usize;
    let mut parts: Vec<usize> = (0..count).collect();
    shuffle(&mut parts, name, sample.seed);
    let value = |part: usize| match axis {
        Axis::Values(values) => values[part * values.len() / count].clone(),
        // The middle of the part. The ends belong to it: they are what people ask for first.
        Axis::Between(..) if count == 1 => axis.between(0.5),
        Axis::Between(..) => axis.between(part as f64 / (count - 1) as f64),
        Axis::Derived(..) => panic!("what is derived is not drawn"),
    };
    parts.into_iter().map(value).collect()
}

/// Fisher and Yates, with a stream for each axis: one that is added moves no other.
fn shuffle(parts: &mut [usize], name: &str, seed: u32) {
    let mut stream = Stream::new(u64::from(seed), Purpose::Setting(name));
    for place in (1..parts.len()).rev() {
        let other = stream.below(place as u64 + 1);
        parts.swap(place, usize::try_from(other).expect("it is a place in a list"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use leasehold_scenario::Scale;

    use super::*;

    fn sample(points: u32, seed: u32) -> Sample {
        Sample { points, seed }
    }

    fn told(points: &[Vec<Quantity>], axis: usize) -> Vec<String> {
        points.iter().map(|point| point[axis].to_string()).collect()
    }

    #[test]
    fn each_part_of_each_axis_has_one_point() {
        let ttl = Axis::Between(Quantity::Time(1e9), Quantity::Time(10e9), Scale::Linear);
        let loss = Axis::Values([0.0, 0.01, 0.02].map(Quantity::Share).to_vec());
        let points = draw(&[("ttl", &ttl), ("loss", &loss)], sample(10, 0));
        let ttls: BTreeSet<String> = told(&points, 0).into_iter().collect();
        let all: BTreeSet<String> = (1..=10).map(|second| format!("{second}s")).collect();
        assert_eq!(ttls, all);
        let losses = told(&points, 1);
        for (value, times) in [("0%", 4), ("1%", 3), ("2%", 3)] {
            assert_eq!(losses.iter().filter(|loss| *loss == value).count(), times, "{value} in {losses:?}");
        }
    }

    #[test]
    fn a_seed_decides_the_points_and_an_axis_more_moves_no_other() {
        let axis = Axis::Between(Quantity::Number(1.0), Quantity::Number(100.0), Scale::Log);
        let alone = draw(&[("ttl", &axis)], sample(40, 7));
        assert_eq!(alone, draw(&[("ttl", &axis)], sample(40, 7)));
        assert_ne!(alone, draw(&[("ttl", &axis)], sample(40, 8)));
        let beside = draw(&[("other", &axis), ("ttl", &axis)], sample(40, 7));
        assert_eq!(told(&alone, 0), told(&beside, 1));
        assert_ne!(told(&beside, 0), told(&beside, 1), "axes are shuffled apart");
    }
}
