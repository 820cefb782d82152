//! Expressions over parameters: `ttl/3`, and comparisons: `renew < ttl/2`.
//!
//! A length of time can be added to another, and multiplied or divided by a number; two lengths divided are a number. A
//! share is a number.

use core::cmp::Ordering;
use core::ops::Range;

use super::quantity::Quantity;
use crate::suggest::{cut, did_you_mean, shown};

/// How deep brackets may stand in each other. Chosen by us: far more than anybody reads.
const DEEPEST: usize = 32;

/// Something that is wrong with an expression: where in its text, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) at: Range<usize>,
    pub(crate) what: String,
    pub(crate) help: Option<String>,
}

/// What can be reckoned from the values of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    node: Node,
    at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Value(Quantity),
    /// The parameter with this place in the study.
    Parameter(usize),
    Both(Box<Expression>, Operator, Box<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Least,
    Greatest,
    Floor,
}

/// A comparison of two expressions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    left: Expression,
    sign: Sign,
    right: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

const SIGNS: [(&str, Sign); 7] = [
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("==", Sign::Equal),
    ("!=", Sign::Unequal),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("=", Sign::Equal),
];

impl Expression {
    /// Reads one. `names` are those of the parameters that it may use, each at its place in the study.
    pub(crate) fn read(text: &str, names: &[&str]) -> Result<Self, Wrong> {
        let mut reader = Reader { text, at: 0, names, depth: 0 };
        let expression = reader.sum()?;
        reader.end()?;
        Ok(expression)
    }

    /// The parameters it uses, by their places.
    pub(crate) fn uses(&self) -> Vec<usize> {
        match &self.node {
            Node::Value(_) => Vec::new(),
            Node::Parameter(place) => vec![*place],
            Node::Both(one, _, other) => [one.uses(), other.uses()].concat(),
            Node::Call(_, of) => of.iter().flat_map(Self::uses).collect(),
        }
    }

    /// What it comes to. `values` are those of the parameters, by their places.
    pub(crate) fn value(&self, values: &dyn Fn(usize) -> Quantity) -> Result<Quantity, Wrong> {
        let wrong = |what: String| Wrong { at: self.at.clone(), what, help: None };
        match &self.node {
            Node::Value(quantity) => Ok(quantity.clone()),
            Node::Parameter(place) => Ok(values(*place)),
            Node::Both(one, operator, other) => {
                let (one, other) = (one.value(values)?, other.value(values)?);
                combine(&one, *operator, &other).map_err(wrong)
            }
            Node::Call(function, of) => {
                let of = of.iter().map(|of| of.value(values)).collect::<Result<Vec<_>, _>>()?;
                call(*function, &of).map_err(wrong)
            }
        }
    }
}

impl Condition {
    pub(crate) fn read(text: &str, names: &[&str]) -> Result<Self, Wrong> {
        let mut reader = Reader { text, at: 0, names, depth: 0 };
        let left = reader.sum()?;
        reader.skip();
        let found = SIGNS.into_iter().find(|(sign, _)| reader.rest().starts_with(sign));
        let Some((written, sign)) = found else {
            let wrong = reader.wrong("there is no comparison here");
            return Err(Wrong {
                help: Some("write <, <=, >, >=, == or !=, as in ttl > 3 * renew".to_owned()),
                ..wrong
            });
        };
        reader.at += written.len();
        let right = reader.sum()?;
        reader.end()?;
        Ok(Self { left, sign, right })
    }

    pub(crate) fn holds(&self, values: &dyn Fn(usize) -> Quantity) -> Result<bool, Wrong> {
        let (left, right) = (self.left.value(values)?, self.right.value(values)?);
        let Some(order) = left.compare(&right) else {
            let what = format!("{left} is {}, and {right} is {}", left.kind(), right.kind());
            return Err(Wrong { at: self.left.at.start..self.right.at.end, what, help: None });
        };
        Ok(match self.sign {
            Sign::Less => order == Ordering::Less,
            Sign::LessOrEqual => order != Ordering::Greater,
            Sign::Greater => order == Ordering::Greater,
            Sign::GreaterOrEqual => order != Ordering::Less,
            Sign::Equal => order == Ordering::Equal,
            Sign::Unequal => order != Ordering::Equal,
        })
    }
}

fn combine(one: &Quantity, operator: Operator, other: &Quantity) -> Result<Quantity, String> {
    use Quantity::{Number, Share, Time};
    let refuse = || {
        let verb = match operator {
            Operator::Plus => "added to",
            Operator::Minus => "taken together with",
            Operator::Times => "multiplied by",
            Operator::Over => "divided by",
        };
        Err(format!("{} cannot be {verb} {}", one.kind(), other.kind()))
    };
    match (one, operator, other) {
        (Time(a), Operator::Plus, Time(b)) => Ok(Time(a + b)),
        (Time(a), Operator::Minus, Time(b)) => Ok(Time(a - b)),
        (Time(a), Operator::Over, Time(b)) => Ok(Number(a / b)),
        (Time(a), Operator::Times, Number(b) | Share(b))
        | (Number(b) | Share(b), Operator::Times, Time(a)) => Ok(Time(a * b)),
        (Time(a), Operator::Over, Number(b) | Share(b)) => Ok(Time(a / b)),
        (Number(a) | Share(a), _, Number(b) | Share(b)) => {
            let number = match operator {
                Operator::Plus => a + b,
                Operator::Minus => a - b,
                Operator::Times => a * b,
                Operator::Over => a / b,
            };
            // A share of a share is one, and so is a share that is made smaller; of two it is how often one fits.
            let is_share = match (one, other) {
                (Number(_), Number(_)) => false,
                (Share(_), Share(_)) => operator != Operator::Over,
                (Share(_), _) => true,
                _ => operator != Operator::Over,
            };
            Ok(if is_share { Share(number) } else { Number(number) })
        }
        _ => refuse(),
    }
}

fn call(function: Function, of: &[Quantity]) -> Result<Quantity, String> {
    if function == Function::Floor {
        return match of {
            [Quantity::Number(number)] => Ok(Quantity::Number(number.floor())),
            [other] => Err(format!("floor takes a number, not {}", other.kind())),
            _ => Err("floor takes one number".to_owned()),
        };
    }
    let wanted = if function == Function::Least { Ordering::Less } else { Ordering::Greater };
    let mut best = of.first().ok_or("min and max take one value at least")?;
    for next in &of[1..] {
        let order = next.compare(best);
        let order =
            order.ok_or_else(|| format!("{next} is {}, and {best} is {}", next.kind(), best.kind()))?;
        if order == wanted {
            best = next;
        }
    }
    Ok(best.clone())
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    names: &'t [&'t str],
    depth: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        let long = self.rest().chars().next().map_or(0, char::len_utf8);
        Wrong { at: self.at..self.at + long, what: what.into(), help: None }
    }

    fn end(&mut self) -> Result<(), Wrong> {
        self.skip();
        match self.rest() {
            "" => Ok(()),
            rest => Err(self.wrong(format!("{} should not stand here", shown(rest)))),
        }
    }

    fn sum(&mut self) -> Result<Expression, Wrong> {
        self.chain(Self::product, &[('+', Operator::Plus), ('-', Operator::Minus)])
    }

    fn product(&mut self) -> Result<Expression, Wrong> {
        self.chain(Self::part, &[('*', Operator::Times), ('/', Operator::Over)])
    }

    fn chain(
        &mut self,
        part: fn(&mut Self) -> Result<Expression, Wrong>,
        operators: &[(char, Operator)],
    ) -> Result<Expression, Wrong> {
        let mut whole = part(self)?;
        loop {
            self.skip();
            let next = self.rest().chars().next();
            let Some((_, operator)) = operators.iter().find(|(sign, _)| Some(*sign) == next) else {
                return Ok(whole);
            };
            self.at += 1;
            let other = part(self)?;
            let at = whole.at.start..other.at.end;
            whole = Expression { node: Node::Both(Box::new(whole), *operator, Box::new(other)), at };
        }
    }

    fn part(&mut self) -> Result<Expression, Wrong> {
        self.skip();
        let start = self.at;
        let node = match self.rest().chars().next() {
            Some('(') => {
                self.at += 1;
                let mut inner = self.inner()?;
                self.expect(')')?;
                inner.at = start..self.at;
                return Ok(inner);
            }
            Some('\'') => self.word()?,
            Some(c) if c.is_ascii_digit() => self.literal()?,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name()?,
            Some(c) => return Err(self.wrong(format!("a value should stand here, found {c:?}"))),
            None => return Err(self.wrong("a value should stand here, and there is nothing more")),
        };
        Ok(Expression { node, at: start..self.at })
    }

    fn inner(&mut self) -> Result<Expression, Wrong> {
        if self.depth == DEEPEST {
            return Err(self.wrong("brackets are nested too deep"));
        }
        self.depth += 1;
        let inner = self.sum()?;
        self.depth -= 1;
        Ok(inner)
    }

    fn expect(&mut self, sign: char) -> Result<(), Wrong> {
        self.skip();
        if !self.rest().starts_with(sign) {
            return Err(self.wrong(format!("`{sign}` should stand here")));
        }
        self.at += sign.len_utf8();
        Ok(())
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A name in single quotes.
    fn word(&mut self) -> Result<Node, Wrong> {
        let start = self.wrong("this name has no closing quote");
        self.at += 1;
        let word = self.take(|c| c != '\'');
        if self.rest().is_empty() {
            return Err(start);
        }
        self.at += 1;
        Ok(Node::Value(Quantity::Word(word.to_owned())))
    }

    /// A number, with or without a unit: `3`, `0.5`, `10s`, `1m30s`, `5%`.
    fn literal(&mut self) -> Result<Node, Wrong> {
        let start = self.at;
        let text = self.take(|c| c.is_ascii_alphanumeric() || ".%µμ".contains(c));
        if let Ok(number) = text.parse::<f64>() {
            return Ok(Node::Value(Quantity::Number(number)));
        }
        match Quantity::of_text(text) {
            value @ (Quantity::Time(_) | Quantity::Share(_)) => Ok(Node::Value(value)),
            _ => Err(Wrong {
                at: start..self.at,
                what: format!("`{}` is no value", cut(text)),
                help: Some("write a number, with or without a unit: 3, 0.5, 10s, 250ms, 5%".to_owned()),
            }),
        }
    }

    /// A parameter, or a function.
    fn name(&mut self) -> Result<Node, Wrong> {
        let start = self.at;
        let name = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
        self.skip();
        if self.rest().starts_with('(') {
            let function = match name {
                "min" => Function::Least,
                "max" => Function::Greatest,
                "floor" => Function::Floor,
                _ => {
                    let (at, what) = (start..start + name.len(), format!("`{}` is no function", cut(name)));
                    return Err(Wrong { at, what, help: Some(did_you_mean(name, ["min", "max", "floor"])) });
                }
            };
            self.at += 1;
            let mut of = vec![self.inner()?];
            self.skip();
            while self.rest().starts_with(',') {
                self.at += 1;
                of.push(self.inner()?);
                self.skip();
            }
            self.expect(')')?;
            return Ok(Node::Call(function, of));
        }
        let dashed = name.replace('_', "-");
        let is_it = |parameter: &&str| parameter.replace('_', "-") == dashed;
        match self.names.iter().position(is_it) {
            Some(place) => Ok(Node::Parameter(place)),
            None => {
                let help = did_you_mean(name, self.names.iter().copied());
                let what = format!("no parameter is called `{}`", cut(name));
                Err(Wrong { at: start..start + name.len(), what, help: Some(help) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["ttl", "renew-every", "loss", "queue"];

    fn values(place: usize) -> Quantity {
        match place {
            0 => Quantity::Time(1e10),
            1 => Quantity::Time(3e9),
            2 => Quantity::Share(0.02),
            _ => Quantity::Word("none".to_owned()),
        }
    }

    #[test]
    fn expressions_come_to_what_they_say() {
        for (text, value) in [
            ("ttl/3", "3.333333333s"),
            ("ttl - renew_every * 2", "4s"),
            ("(ttl - renew_every) * 2", "14s"),
            ("ttl / renew_every * 3", "10"),
            ("2 + 3 * 4 - 6 / 2", "11"),
            ("min(ttl, renew_every, 1m30s)", "3s"),
            ("max(250ms, renew_every)", "3s"),
            ("floor(ttl / renew_every)", "3"),
            ("loss * 2", "4%"),
            ("ttl * loss", "200ms"),
            ("1 - loss", "98%"),
            ("0.65*ttl", "6.5s"),
            ("queue", "none"),
        ] {
            let value_of = Expression::read(text, &NAMES).unwrap().value(&values).unwrap();
            assert_eq!(value_of.to_string(), value, "{text}");
        }
    }

    #[test]
    fn comparisons_hold_or_do_not() {
        for (text, holds) in [
            ("renew_every < ttl/3", true),
            ("renew_every < ttl/4", false),
            ("ttl >= 10s", true),
            ("ttl > 10s", false),
            ("10s <= ttl", true),
            ("ttl / renew_every == 10/3", true),
            ("loss != 2%", false),
            ("queue = 'none'", true),
        ] {
            assert_eq!(Condition::read(text, &NAMES).unwrap().holds(&values), Ok(holds), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        for (text, at, words) in [
            ("tll/3", 0..3, "no parameter is called `tll`"),
            ("ttl/", 4..4, "there is nothing more"),
            ("ttl 3", 4..5, "should not stand here"),
            ("(ttl", 4..4, "`)` should stand here"),
            ("sqrt(ttl)", 0..4, "`sqrt` is no function"),
            ("ttl * 3x", 6..8, "`3x` is no value"),
            ("'none", 0..1, "no closing quote"),
            ("ttl + é", 6..8, "a value should stand here"),
        ] {
            let wrong = Expression::read(text, &NAMES).unwrap_err();
            assert!(wrong.what.contains(words), "{text}: {}", wrong.what);
            assert_eq!(wrong.at, at, "{text}");
        }
        assert!(Expression::read("tll", &NAMES).unwrap_err().help.unwrap().contains("did you mean `ttl`"));
        let deep = format!("{}ttl{}", "(".repeat(40), ")".repeat(40));
        assert!(Expression::read(&deep, &NAMES).unwrap_err().what.contains("too deep"));
        let missing = Condition::read("ttl", &NAMES).unwrap_err();
        assert!(missing.what.contains("no comparison"), "{missing:?}");
    }

    #[test]
    fn what_cannot_be_reckoned_with_is_refused() {
        for (text, words) in [
            ("ttl + 3", "a length of time cannot be added to a number"),
            ("ttl * ttl", "cannot be multiplied by"),
            ("3 / ttl", "a number cannot be divided by a length of time"),
            ("queue * 2", "a name cannot be"),
            ("min(ttl, 3)", "and 10s is a length of time"),
            ("floor(ttl)", "floor takes a number"),
        ] {
            let wrong = Expression::read(text, &NAMES).unwrap().value(&values).unwrap_err();
            assert!(wrong.what.contains(words), "{text}: {}", wrong.what);
        }
        let wrong = Condition::read("ttl < 3", &NAMES).unwrap().holds(&values).unwrap_err();
        assert!(wrong.what.contains("10s is a length of time, and 3 is a number"), "{}", wrong.what);
    }
}
