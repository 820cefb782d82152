//! Which points no other point beats.

/// The numbers of the points that no other beats: is as good in all, and better in one. Less is better. What has no costs is
/// neither beaten nor beats, and is not on the front.
pub(super) fn front(costs: &[Option<Vec<f64>>]) -> Vec<usize> {
    let beats = |one: &[f64], other: &[f64]| {
        let mut pairs = one.iter().zip(other);
        pairs.clone().all(|(one, other)| one <= other) && pairs.any(|(one, other)| one < other)
    };
    let known = || costs.iter().enumerate().filter_map(|(place, costs)| Some((place, costs.as_ref()?)));
    let is_beaten = |costs: &[f64]| known().any(|(_, other)| beats(other, costs));
    known().filter(|(_, costs)| !is_beaten(costs)).map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_beaten_in_nothing_stays() {
        let costs = [
            Some(vec![1.0, 9.0]),
            Some(vec![5.0, 5.0]),
            Some(vec![9.0, 1.0]),
            // Beaten by the second.
            Some(vec![5.0, 6.0]),
            None,
            // The same as the first: neither beats the other.
            Some(vec![1.0, 9.0]),
        ];
        assert_eq!(front(&costs), [0, 1, 2, 5]);
        assert!(front(&[]).is_empty());
        assert!(front(&[None]).is_empty());
    }

    proptest! {
        /// By brute force: a point is on the front if and only if nothing is as good in all and better in one; and what is not
        /// on it is beaten by something that is.
        #[test]
        fn the_front_is_what_nobody_beats(
            costs in prop::collection::vec(prop::option::weighted(0.9, prop::collection::vec(0_u8..6, 3)), 0..25)
        ) {
            let costs: Vec<Option<Vec<f64>>> = costs
                .into_iter()
                .map(|costs| costs.map(|costs| costs.into_iter().map(f64::from).collect()))
                .collect();
            let found = front(&costs);
            let better = |a: &Vec<f64>, b: &Vec<f64>| {
                (0..3).filter(|&i| a[i] > b[i]).count() == 0 && (0..3).filter(|&i| a[i] < b[i]).count() > 0
            };
            for (place, of) in costs.iter().enumerate() {
                let Some(of) = of else {
                    prop_assert!(!found.contains(&place));
                    continue;
                };
                let beaten = costs.iter().flatten().any(|other| better(other, of));
                prop_assert_eq!(found.contains(&place), !beaten);
                let by_front = found.iter().any(|&other| better(costs[other].as_ref().unwrap(), of));
                prop_assert_eq!(by_front, beaten);
            }
        }
    }
}
