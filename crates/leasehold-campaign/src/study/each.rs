//! Advice for each value of one parameter apart, and which choice is a good one for all of them.
//!
//! Points that have the value are compared as a study of their own. The runner-up is what would be recommended without the
//! point that is, and what comes to the same as it. Good everywhere is the choice that meets all objectives for the most
//! values; of those the one whose worst miss is the least, and then the one that is nowhere far behind the best.

mod everywhere;

use leasehold_report::study::{
    Advice, EachAdvice, Estimate, Gap, Met, Parameter, PointSummary, RunnerUp, Trait, ValueAdvice, told_but,
};
use leasehold_scenario::Goal;

use super::advice::{best, front_of, none_passes, value};
use super::paired::Difference;
use super::wording::{name, number, number_beside};

/// More answers than these fit into no headline. Chosen by us.
const IN_HEADLINE: usize = 6;

/// What is compared.
pub(super) struct Field<'a> {
    pub(super) parameters: &'a [Parameter],
    /// The place of the parameter for each of whose values advice is given.
    pub(super) each: usize,
    pub(super) points: &'a [PointSummary],
    pub(super) goals: &'a [Goal],
    pub(super) trade: &'a [Trait],
    /// The point with the scenario's own values.
    pub(super) default: Option<usize>,
    /// By how much a number is greater at the first of two points.
    pub(super) differs: &'a dyn Fn(usize, usize, Trait) -> Option<Difference>,
}

/// The points with one value.
struct Group<'a> {
    field: &'a Field<'a>,
    value: &'a str,
    /// Their numbers.
    members: Vec<usize>,
}

/// What is recommended for each value.
pub(super) fn each_advice(field: &Field<'_>) -> EachAdvice {
    let groups: Vec<Group<'_>> =
        field.parameters[field.each].values.iter().map(|value| field.group(value)).collect();
    let groups: Vec<Group<'_>> = groups.into_iter().filter(|group| !group.members.is_empty()).collect();
    let values: Vec<ValueAdvice> = groups.iter().map(Group::advice).collect();
    EachAdvice {
        parameter: field.each,
        headline: field.headline(&values),
        everywhere: field.everywhere(&values),
        values,
    }
}

impl<'a> Field<'a> {
    fn group(&'a self, value: &'a str) -> Group<'a> {
        let members = (0..self.points.len()).filter(|&point| self.points[point].values[self.each] == value);
        Group { field: self, value, members: members.collect() }
    }

    /// A point, by all but the parameter for each of whose values there is advice.
    fn told(&self, point: usize) -> String {
        told_but(self.parameters, &self.points[point].values, self.each)
    }

    fn under(&self, value: &str) -> String {
        format!("under {}", self.parameters[self.each].told(value))
    }

    /// What is chosen: `policy`, or `choice` if it has no names.
    fn kind(&self) -> &str {
        let own = |(place, parameter): &(usize, &Parameter)| {
            *place != self.each && parameter.derived.is_none() && parameter.values.len() > 1
        };
        let mut own = self.parameters.iter().enumerate().filter(own);
        match (own.next(), own.next()) {
            (Some((_, only)), None) if !only.choices.is_empty() => &only.name,
            _ => "choice",
        }
    }

    /// All numbers that matter, each once.
    fn traits(&self) -> Vec<Trait> {
        let asked = self.goals.iter().map(|goal| Trait { metric: goal.metric, statistic: goal.statistic });
        let mut traits: Vec<Trait> = Vec::new();
        for of in self.trade.iter().copied().chain(asked) {
            if !traits.contains(&of) {
                traits.push(of);
            }
        }
        traits
    }

    fn passes(&self, point: usize) -> bool {
        let point = &self.points[point];
        let kept = |met: &Met| matches!(met, Met::Surely | Met::Probably);
        point.runs > 0 && point.failed == 0 && point.objectives.iter().all(kept)
    }

    /// The goals that a point does not keep to.
    fn missed(&self, point: usize) -> Vec<&Goal> {
        let missed =
            |(goal, met): (&'a Goal, &Met)| matches!(met, Met::Missed | Met::Unmeasured).then_some(goal);
        self.goals.iter().zip(&self.points[point].objectives).filter_map(missed).collect()
    }

    /// What stands between a point and being taken: `fails in 3 of 9 runs`, ``misses `load < 9/s` with 12/s``.
    fn wanting(&self, point: usize) -> Option<String> {
        let of_point = &self.points[point];
        if of_point.failed > 0 {
            return Some(format!("fails in {} of {} runs", of_point.failed, of_point.runs));
        }
        let told = |goal: &&Goal| {
            let of = Trait { metric: goal.metric, statistic: goal.statistic };
            match value(of_point, of) {
                Some(value) => format!("`{goal}` with {}", number(of, value)),
                None => format!("`{goal}`, for nothing was measured"),
            }
        };
        let missed: Vec<String> = self.missed(point).iter().map(told).collect();
        (!missed.is_empty()).then(|| format!("misses {}", missed.join(" and ")))
    }

    fn headline(&self, values: &[ValueAdvice]) -> String {
        let best = |advice: &ValueAdvice| match advice.advice {
            Advice::Take { point, .. } => self.told(point),
            _ => format!("no {}", self.kind()),
        };
        let told: Vec<String> = values.iter().map(best).collect();
        let name = &self.parameters[self.each].name;
        let takes = values.iter().all(|value| matches!(value.advice, Advice::Take { .. }));
        if let Some(first) = told.first()
            && told.iter().all(|told| told == first)
        {
            return match takes {
                true => format!("Take {first}, whatever the {name}"),
                false => format!("No {} meets all objectives, whatever the {name}", self.kind()),
            };
        }
        let mut answers: Vec<(&String, Vec<String>)> = Vec::new();
        for (advice, told) in values.iter().zip(&told) {
            let value = self.parameters[self.each].told(&advice.value);
            match answers.iter_mut().find(|(known, _)| *known == told) {
                Some((_, under)) => under.push(value),
                None => answers.push((told, vec![value])),
            }
        }
        if answers.len() > IN_HEADLINE {
            return format!("What is best depends on {name}");
        }
        let told = answers.iter().map(|(told, under)| format!("under {}: {told}", listed(under)));
        format!("Best {}", told.collect::<Vec<_>>().join("; "))
    }

    /// `exclusion p99 31 s (30 s to 32 s), false expiry 0/day (at most 2/day)`.
    fn numbers(&self, point: usize) -> String {
        let told = |of: Trait| {
            let figure = self.points[point].figure(of.metric)?;
            let estimate = figure.estimate(of.statistic)?;
            Some(format!("{} {}", name(of), sure(of, estimate)))
        };
        self.traits().into_iter().filter_map(told).collect::<Vec<_>>().join(", ")
    }

    /// By how much the numbers of one point are greater than those of another.
    fn gaps(&self, one: usize, other: usize) -> Vec<Gap> {
        let gap = |of: Trait| {
            let Difference { value, interval } = (self.differs)(one, other, of)?;
            Some(Gap { of, value, low: interval.map(|(low, _)| low), high: interval.map(|(_, high)| high) })
        };
        self.traits().into_iter().filter_map(gap).collect()
    }
}

/// The greatest of these, whatever their signs: it says in which unit all of them are told.
fn greatest(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().fold(0.0, |greatest, value| f64::max(greatest, value.abs()))
}

/// `31 s (30 s to 32 s)`.
fn sure(of: Trait, estimate: &Estimate) -> String {
    let Estimate { value, low, high, .. } = *estimate;
    let size = greatest(&[Some(value), low, high]);
    let told = |value: f64| number_beside(of, value, size);
    let between = match (low, high) {
        (Some(low), Some(high)) if low == high => String::new(),
        (Some(low), Some(high)) => format!(" ({} to {})", told(low), told(high)),
        (None, Some(high)) => format!(" (at most {})", told(high)),
        (Some(low), None) => format!(" ({} or more)", told(low)),
        (None, None) => String::new(),
    };
    format!("{}{between}", told(value))
}

/// `its exclusion p99 is 3.1 s less (2.9 s to 3.3 s), its false expiry is 12/day more (which may be chance)`.
fn differences(gaps: &[Gap]) -> String {
    let told = |gap: &Gap| {
        let of = gap.of;
        let size = greatest(&[Some(gap.value), gap.low, gap.high]);
        let number = |value: f64| number_beside(of, value, size);
        let direction = if gap.value < 0.0 { "less" } else { "more" };
        let sure = match (gap.low, gap.high) {
            (Some(_), Some(_)) if !gap.is_sure() => "which may be chance".to_owned(),
            (Some(low), Some(high)) => {
                let (near, far) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
                format!("{} to {}", number(near), number(far))
            }
            _ => "with too few seeds to say how sure that is".to_owned(),
        };
        format!("its {} is {} {direction} ({sure})", name(of), number(gap.value.abs()))
    };
    let told: Vec<String> = gaps.iter().filter(|gap| !gap.is_none()).map(told).collect();
    if told.is_empty() {
        "it comes to the same, as far as these seeds show".to_owned()
    } else {
        told.join(", ")
    }
}

/// `a`, `b` and `c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl Group<'_> {
    fn own(&self) -> Vec<PointSummary> {
        self.members.iter().map(|&point| self.field.points[point].clone()).collect()
    }

    fn advice(&self) -> ValueAdvice {
        let own = self.own();
        let front = front_of(&own, self.field.trade).into_iter().map(|place| self.members[place]).collect();
        let value = self.value.to_owned();
        match best(&own, self.field.trade).map(|place| self.members[place]) {
            Some(taken) => {
                let equals = self.equals(taken);
                let runner_up = self.runner_up(taken, &equals);
                let because = self.why(taken, &equals, runner_up.as_ref());
                ValueAdvice {
                    value,
                    front,
                    advice: Advice::Take { point: taken, because },
                    equals,
                    runner_up,
                }
            }
            None => {
                ValueAdvice { value, front, advice: self.none(&own), equals: Vec::new(), runner_up: None }
            }
        }
    }

    /// What comes to the same as a point, in all that matters.
    fn equals(&self, taken: usize) -> Vec<usize> {
        let field = self.field;
        let numbers = |point: usize| -> Vec<Option<f64>> {
            field.traits().into_iter().map(|of| value(&field.points[point], of)).collect()
        };
        let of_taken = numbers(taken);
        let same = |point: &usize| {
            *point != taken
                && field.points[*point].failed == 0
                && field.passes(*point)
                && numbers(*point) == of_taken
        };
        self.members.iter().copied().filter(same).collect()
    }

    /// What would be recommended without the point that is. If nothing else meets all objectives, what comes nearest.
    fn runner_up(&self, taken: usize, equals: &[usize]) -> Option<RunnerUp> {
        let field = self.field;
        let rest =
            |point: &usize| *point != taken && !equals.contains(point) && field.points[*point].failed == 0;
        let rest: Vec<usize> = self.members.iter().copied().filter(rest).collect();
        let own: Vec<PointSummary> = rest.iter().map(|&point| field.points[point].clone()).collect();
        let place = match best(&own, field.trade) {
            Some(place) => Some(place),
            None if own.is_empty() => None,
            None => match none_passes(field.goals, &own, field.trade) {
                Advice::NonePasses { nearest, .. } => Some(nearest),
                _ => None,
            },
        };
        let point = rest[place?];
        Some(RunnerUp { point, more: field.gaps(point, taken) })
    }

    fn why(&self, taken: usize, equals: &[usize], runner_up: Option<&RunnerUp>) -> Vec<String> {
        let field = self.field;
        let mut because = vec![format!(
            "{}, {} is best: {}.",
            capital(&field.under(self.value)),
            field.told(taken),
            field.numbers(taken)
        )];
        let unsure = field.goals.iter().zip(&field.points[taken].objectives);
        let unsure: Vec<String> =
            unsure.filter(|(_, met)| **met == Met::Probably).map(|(goal, _)| format!("`{goal}`")).collect();
        if !unsure.is_empty() {
            because.push(format!(
                "It meets {} only as measured: the interval reaches beyond. More seeds would tell.",
                listed(&unsure)
            ));
        }
        if !equals.is_empty() {
            let named: Vec<String> = equals.iter().map(|&point| field.told(point)).collect();
            let verb = if named.len() == 1 { "comes" } else { "come" };
            because.push(format!("{} {verb} to the same here.", capital(&listed(&named))));
        }
        match runner_up {
            Some(next) => {
                let (told, gaps) = (field.told(next.point), differences(&next.more));
                because.push(match field.wanting(next.point) {
                    None => format!("Next is {told}: {gaps}."),
                    Some(wanting) => {
                        format!(
                            "No other {} meets all objectives. Nearest is {told}, which {wanting}: {gaps}.",
                            field.kind()
                        )
                    }
                });
            }
            None if equals.is_empty() => because.push(format!("Every other {} fails here.", field.kind())),
            None => {}
        }
        let told_already = |point: usize| {
            point == taken || equals.contains(&point) || runner_up.is_some_and(|next| next.point == point)
        };
        if let Some(own) = self.of_the_scenario().filter(|&own| !told_already(own)) {
            let verdict = field.wanting(own).unwrap_or_else(|| "meets all objectives too".to_owned());
            because.push(format!(
                "{}, which is the scenario's own, {verdict}: {}.",
                capital(&field.told(own)),
                differences(&field.gaps(own, taken))
            ));
        }
        because
    }

    /// The point that has what the scenario has, but for the value.
    fn of_the_scenario(&self) -> Option<usize> {
        let (field, each) = (self.field, self.field.each);
        let own = &field.points[field.default?].values;
        let same = |values: &[String]| {
            values.iter().zip(own).enumerate().all(|(place, (value, own))| place == each || value == own)
        };
        self.members.iter().copied().find(|&point| same(&field.points[point].values))
    }

    fn none(&self, own: &[PointSummary]) -> Advice {
        let field = self.field;
        let Advice::NonePasses { obstacle, nearest, because } = none_passes(field.goals, own, field.trade)
        else {
            unreachable!("that is what it says")
        };
        let nearest = self.members[nearest];
        let mut said = vec![format!(
            "{}, no {} meets all objectives: `{}` is the obstacle. Nearest is {}: {}.",
            capital(&field.under(self.value)),
            field.kind(),
            field.goals[obstacle],
            field.told(nearest),
            field.numbers(nearest)
        )];
        said.extend(because);
        Advice::NonePasses { obstacle, nearest, because: said }
    }
}

/// With a capital letter, unless it begins with a name.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
