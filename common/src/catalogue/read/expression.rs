//! When a service is available: its expression, and what only all services together can tell about it.

use std::collections::BTreeMap;

use super::sections::Names;
use super::{MEMBERS_MAX, every};
use crate::catalogue::expression::{Expression, circles};
use crate::catalogue::formula::{BadFormula, link};
use crate::catalogue::model::Service;
use crate::ids::Id;
use crate::yaml::declared::Declared;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

/// The expressions that could be read, and where they stand; also those of services that could not be.
pub(super) type Stated<'t> = BTreeMap<Id, (At<'t>, Expression)>;

/// `{ all: [front-page, { at_least: 1, of: [uplink, { service: mobile-uplink }] }] }`; `own` are the service's probes.
pub(super) fn available_when(at: &At<'_>, own: &Declared, names: &Names) -> Read<Expression> {
    at.mapping(|keys| {
        let all = keys.optional("all", |at| operands(at, own, names));
        let any = keys.optional("any", |at| operands(at, own, names));
        let at_least = keys.get("at_least");
        let of = keys.get("of");
        let service = keys.optional("service", |at| names.services.refer(at));
        let counted = counted(keys, at_least.as_ref(), of.as_ref(), own, names);
        let (all, any, service) = (all?, any?, service?);
        let mut said = [all.map(Expression::all), any.map(Expression::any), counted?, service.map(Expression::Service)]
            .into_iter()
            .flatten();
        match (said.next(), said.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(keys
                .at()
                .problem("expected \"all\", \"any\", \"at_least\" with \"of\", or \"service\", found nothing")),
            (Some(_), Some(_)) => {
                let message =
                    "expected one of \"all\", \"any\", \"at_least\" and \"service\": make it an operand of the other";
                Err(keys.at().problem(message))
            }
        }
    })
}

/// `at_least` and `of`, which stand together.
fn counted(
    keys: &Keys<'_>,
    at_least: Option<&At<'_>>,
    of: Option<&At<'_>>,
    own: &Declared,
    names: &Names,
) -> Read<Option<Expression>> {
    let items = of.and_then(|at| at.items().ok()).map(|items| items.len());
    let operands = of.map(|at| operands(at, own, names));
    let count = at_least.map(|at| count(at, items));
    match (count, operands) {
        (None, None) => Ok(None),
        (Some(count), Some(operands)) => Ok(Some(Expression::AtLeast { count: count?, of: operands? })),
        (Some(_), None) => Err(keys.at().problem("the key \"of\" is missing")),
        (None, Some(_)) => Err(keys.at().problem("the key \"at_least\" is missing")),
    }
}

fn count(at: &At<'_>, operands: Option<usize>) -> Read<usize> {
    let most = u64::try_from(MEMBERS_MAX).unwrap_or(u64::MAX);
    let count = at.count(1..=most).map(|count| usize::try_from(count).unwrap_or(usize::MAX))?;
    match operands {
        Some(operands) if count > operands && operands > 0 => {
            Err(at.problem(format!("expected at most the number of operands, {operands}, found \"{count}\"")))
        }
        _ => Ok(count),
    }
}

fn operands(at: &At<'_>, own: &Declared, names: &Names) -> Read<Vec<Expression>> {
    let items = at.items()?;
    if items.is_empty() || items.len() > MEMBERS_MAX {
        let found = items.len();
        return Err(at.problem(format!("expected 1 to {MEMBERS_MAX} operands, found {found}")));
    }
    every(items.iter().map(|item| {
        if item.is_mapping() { available_when(item, own, names) } else { own.refer(item).map(Expression::Probe) }
    }))
}

/// Gives each service what it is made of; circles are told whether or not all services could be read.
pub(super) fn linked(services: Read<BTreeMap<Id, Service>>, stated: &Stated<'_>) -> Read<BTreeMap<Id, Service>> {
    let built_on = stated.iter().map(|(id, (_, expression))| (id, expression.services())).collect();
    let round = every(circles(&built_on).iter().map(|path| {
        let path: Vec<&str> = path.iter().map(Id::as_str).collect();
        let at = path.first().and_then(|first| stated.iter().find(|(id, _)| id.as_str() == *first));
        at.map_or(Ok(()), |(_, (at, _))| {
            Err(at.problem(format!("services are built on each other in a circle: {}", path.join(" → "))))
        })
    }));
    let mut services = services?;
    round?;
    every(link(&mut services).err().into_iter().flatten().map(|(id, why)| refused(&id, &why, stated)))?;
    Ok(services)
}

fn refused(id: &Id, why: &BadFormula, stated: &Stated<'_>) -> Read<()> {
    stated.get(id).map_or(Ok(()), |(at, _)| Err(at.problem(why.to_string())))
}
