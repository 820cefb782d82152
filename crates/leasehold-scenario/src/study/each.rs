//! `each`: the parameter for each of whose values advice is given apart.

use super::parameter::{Axis, StudyParameter};
use crate::diagnostic::Diagnostic;
use crate::goal::Goal;
use crate::spanned::Spanned;
use crate::suggest::{cut, nearest};

/// The place of the parameter for each of whose values advice is given apart.
pub(super) fn place(
    each: &Spanned<String>,
    parameters: &[StudyParameter],
    objectives: &[Goal],
) -> Result<usize, Diagnostic> {
    let name = each.get_ref();
    if objectives.is_empty() {
        return Err(Diagnostic::at(each.span(), "there is no advice where a study asks for nothing").help(
            "say what is asked of a point, as in objectives = [\"failover.p99 < 15s\"], or leave `each` out",
        ));
    }
    let Some(place) = parameters.iter().position(|parameter| parameter.name == *name) else {
        let told = Diagnostic::at(each.span(), format!("no parameter is called `{}`", cut(name)));
        let names = || parameters.iter().map(|parameter| parameter.name.as_str());
        return Err(match nearest(name, names()) {
            Some(near) => told.help(format!("did you mean `{near}`?")),
            None => told.help(format!("there are {}", names().collect::<Vec<_>>().join(", "))),
        });
    };
    let has_values =
        |parameter: &StudyParameter| matches!(&parameter.axis, Axis::Values(values) if values.len() > 1);
    if !has_values(&parameters[place]) {
        let told = format!("`{name}` has no values of its own between which advice could differ");
        return Err(Diagnostic::at(each.span(), told)
            .related(parameters[place].span.clone(), "it stands here")
            .help("name a parameter with several values or choices"));
    }
    let varies = |(other, parameter): (usize, &StudyParameter)| {
        let is_open = matches!(parameter.axis, Axis::Between(..));
        other != place && (is_open || has_values(parameter))
    };
    match parameters.iter().enumerate().any(varies) {
        true => Ok(place),
        false => Err(Diagnostic::at(
            each.span(),
            format!("`{name}` is all that the study varies, so there is nothing to recommend"),
        )
        .help("vary something beside it, or leave `each` out")),
    }
}
