//! Exact decimal numbers, as they stand before a unit.

use super::Reason;

/// More digits than any sensible value has, and few enough that no product with a unit overflows.
const MOST_DIGITS: usize = 20;

/// A non-negative decimal number: `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    mantissa: u128,
    scale: u32,
}

impl Decimal {
    /// Reads digits with at most one point among them from the front of `text`, and gives the rest too.
    pub(super) fn read(text: &str) -> Result<(Self, &str), Reason> {
        let (whole, rest) = digits(text);
        if whole.is_empty() {
            let found = text.chars().next().map_or("nothing more".to_owned(), |c| format!("{c:?}"));
            return Err(Reason::new(format!("a number should stand where there is {found}")));
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(after) => {
                let (fraction, rest) = digits(after);
                if fraction.is_empty() {
                    return Err(Reason::new("a digit should follow the decimal point"));
                }
                (fraction.trim_end_matches('0'), rest)
            }
            None => ("", rest),
        };
        let whole = whole.trim_start_matches('0');
        if whole.len() + fraction.len() > MOST_DIGITS {
            return Err(Reason::new(format!("a number has at most {MOST_DIGITS} digits here")));
        }
        let mantissa = whole
            .bytes()
            .chain(fraction.bytes())
            .fold(0, |mantissa, digit| mantissa * 10 + u128::from(digit - b'0'));
        let scale = u32::try_from(fraction.len()).expect("at most 20 digits");
        Ok((Self { mantissa, scale }, rest))
    }

    /// The number times `unit`, or nothing if that is not a whole number. `unit` is below 10^14.
    pub(super) fn times(self, unit: u128) -> Option<u128> {
        let product = self.mantissa * unit;
        let divisor = 10_u128.pow(self.scale);
        product.is_multiple_of(divisor).then(|| product / divisor)
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}
