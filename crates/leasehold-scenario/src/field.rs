//! Fields of a system's tables: values that know where they stand.

use leasehold_core::Span;

use crate::diagnostic::is_written;
use crate::value::Length;
use crate::{Diagnostic, Diagnostics, Spanned};

/// A value by default: it stands nowhere.
pub(crate) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// So many seconds, by default.
pub(crate) fn seconds(secs: u64) -> Spanned<Length> {
    spanned(Length(Span::from_secs(secs)))
}

/// So many milliseconds, by default.
pub(crate) fn millis(millis: u64) -> Spanned<Length> {
    spanned(Length(Span::from_millis(millis)))
}

/// How long it is.
pub(crate) fn length(value: &Spanned<Length>) -> Span {
    value.get_ref().0
}

/// Whether the file says so, or it is the default.
pub(crate) fn written<T>(value: &Spanned<T>) -> bool {
    is_written(&value.span())
}

/// Refuses a length of zero.
pub(crate) fn not_zero(found: &mut Diagnostics, value: &Spanned<Length>, what: &str) {
    if length(value).is_zero() {
        found.push(Diagnostic::at(value.span(), format!("{what} of 0s")).label("expected more than zero"));
    }
}
