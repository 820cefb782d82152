//! Which choice is a good one for all values: what is asked for is that nobody need know which of them holds.

use leasehold_report::study::{Everywhere, Trait, ValueAdvice};

use super::super::advice::{beyond, cost};
use super::super::wording::{name, number};
use super::{Field, capital};

/// A choice of all parameters but one, and what it comes to for each value of that.
struct Choice {
    /// For each value: its point.
    points: Vec<Option<usize>>,
    /// For how many values it meets all objectives.
    meets: usize,
    /// The worst miss, as a part of its limit.
    miss: f64,
    /// By how much it is at worst behind the best, number by number, and for which value.
    behind: Vec<(f64, usize)>,
}

impl Field<'_> {
    pub(super) fn everywhere(&self, values: &[ValueAdvice]) -> Everywhere {
        let choices = self.choices(values);
        let order = |one: &&Choice, other: &&Choice| {
            let behind = one.behind.iter().zip(&other.behind).map(|(one, other)| one.0.total_cmp(&other.0));
            let rest = behind.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then);
            other.meets.cmp(&one.meets).then(one.miss.total_cmp(&other.miss)).then(rest)
        };
        let taken = choices.iter().min_by(order).expect("a study has a point");
        let same = |choice: &&Choice| choice.meets == values.len();
        let said = if taken.meets == values.len() {
            self.good(taken, values, choices.iter().filter(same).count())
        } else {
            self.not_good(taken, values)
        };
        Everywhere { points: taken.points.iter().flatten().copied().collect(), meets: taken.meets, said }
    }

    /// All choices, in the order of points.
    fn choices(&self, values: &[ValueAdvice]) -> Vec<Choice> {
        let others = |point: usize| {
            let mut others = self.points[point].values.clone();
            others.remove(self.each);
            others
        };
        let mut found: Vec<(Vec<String>, Choice)> = Vec::new();
        for point in 0..self.points.len() {
            let value = values.iter().position(|advice| advice.value == self.points[point].values[self.each]);
            let (Some(value), key) = (value, others(point)) else { continue };
            let place = found.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                let none =
                    Choice { points: vec![None; values.len()], meets: 0, miss: 0.0, behind: Vec::new() };
                found.push((key, none));
                found.len() - 1
            });
            found[place].1.points[value].get_or_insert(point);
        }
        let mut choices: Vec<Choice> = found.into_iter().map(|(_, choice)| choice).collect();
        for choice in &mut choices {
            choice.meets = choice.points.iter().flatten().filter(|&&point| self.passes(point)).count();
            choice.miss = choice.points.iter().map(|point| self.miss(*point)).fold(0.0, f64::max);
            choice.behind = self.trade.iter().map(|&of| self.behind(choice, values, of)).collect();
        }
        choices
    }

    /// By which part of a limit a point misses it at worst.
    fn miss(&self, point: Option<usize>) -> f64 {
        let Some(point) = point.filter(|&point| self.points[point].failed == 0) else { return f64::INFINITY };
        self.goals.iter().map(|goal| beyond(goal, &self.points[point])).fold(0.0, f64::max)
    }

    /// By how much a choice is at worst behind what is recommended, and for which value.
    fn behind(&self, choice: &Choice, values: &[ValueAdvice], of: Trait) -> (f64, usize) {
        let behind = |(place, advice): (usize, &ValueAdvice)| {
            let own = cost(&self.points[choice.points[place]?], of)?;
            Some((own - cost(&self.points[advice.chosen()?], of)?, place))
        };
        let worst =
            values.iter().enumerate().filter_map(behind).max_by(|one, other| one.0.total_cmp(&other.0));
        worst.unwrap_or((0.0, 0))
    }

    /// What meets all objectives everywhere.
    fn good(&self, choice: &Choice, values: &[ValueAdvice], among: usize) -> String {
        let told = capital(&self.told_choice(choice));
        let all = match values.len() {
            1 => "the only value".to_owned(),
            count => format!("all {count} values"),
        };
        let parameter = &self.parameters[self.each].name;
        let mut said =
            format!("{told} is good everywhere: it meets all objectives under {all} of {parameter}");
        let least =
            if among > 1 { format!(", as {among} do, and of those it loses least") } else { String::new() };
        said.push_str(&least);
        let worst = self.trade.iter().zip(&choice.behind).find(|(_, (behind, _))| *behind > 0.0);
        match worst {
            None => said.push_str("; nowhere is what is recommended any better."),
            Some((&of, &(behind, place))) => said.push_str(&format!(
                "; its {} is at worst {} behind the best, {}.",
                name(of),
                number(of, behind),
                self.under(&values[place].value)
            )),
        }
        said
    }

    fn not_good(&self, choice: &Choice, values: &[ValueAdvice]) -> String {
        let kind = self.kind();
        let told = self.told_choice(choice);
        let parameter = &self.parameters[self.each].name;
        let wanting = values.iter().zip(&choice.points).filter_map(|(advice, point)| {
            let under = self.under(&advice.value);
            Some(match point {
                None => format!("{under} it was not measured"),
                Some(point) => format!("{under} it {}", self.wanting(*point)?),
            })
        });
        let wanting: Vec<String> = wanting.collect();
        let (meets, all) = (choice.meets, values.len());
        format!(
            "No {kind} is good everywhere. {} comes nearest, and meets all objectives under {meets} of {all} values of {parameter}: {}.",
            capital(&told),
            wanting.join("; ")
        )
    }

    fn told_choice(&self, choice: &Choice) -> String {
        let point = choice.points.iter().flatten().next().expect("it was found at a point");
        self.told(*point)
    }
}
