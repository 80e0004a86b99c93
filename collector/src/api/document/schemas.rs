//! The shapes of bodies, from the very types that are sent, and the few that are read by hand-written code.

use uphold_common::explain::document::{Explanation, WhichFigure};
use uphold_common::governed::dated::DatedAsked;
use uphold_common::governed::exclusion::ExclusionAsked;
use uphold_common::governed::maintenance::MaintenanceAsked;
use uphold_common::ids::Id;
use uphold_common::measure::figures::Figures;
use uphold_common::measure::weighted::Weighted;
use uphold_common::observation::{Flow, Resource};
use uphold_common::time::Instant;
use uphold_common::wire::OF_BYTES_MAX;
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::push::{Problem, PushAnswer};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, AnyOfBuilder, Components, KnownFormat, Object, OneOfBuilder, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

use crate::api::alignment::OfService;
use crate::api::catalogue::CameOf;
use crate::api::deliveries::LetterList;
use crate::api::discovery::Group;
use crate::api::governed::{DatedList, ExclusionList, MaintenanceList, Revoked};
use crate::api::hours::{FlowHours, ProbeHours, ResourceHours};
use crate::api::imports::Begun;
use crate::api::lists::ServiceList;
use crate::api::problems::{CloseAsked, FixAsked, KnownErrorAsked, ProblemAsked};
use crate::api::rows::StreamList;
use crate::api::said::{
    Acknowledgement, Assigning, Closing, Commented, Declaration, Filing, Linking, Receipt, Reopening, Resolving,
    Unlinking,
};
use crate::api::tokens::{Wanted, Whoami};
use crate::engine::compaction::Compaction;
use crate::engine::import::{ImportTaken, ImportTerms};
use crate::engine::restate::VersionList;
use crate::engine::revised::RevisionList;
use crate::engine::told::Timelines;
use crate::governed::view::{DatedView, ExclusionView, MaintenanceView};
use crate::identity::role::Role;
use crate::identity::view::{DeedList, TokenGiven, TokenList, TokenView};
use crate::incident::list::{IncidentHistory, IncidentList};
use crate::incident::model::{CriticalityText, Incident, PriorityText, UrgencyText};
use crate::inforce::Restatement;
use crate::notify::letters::LetterView;
use crate::notify::trial::TrialView;
use crate::problem::pareto::Pareto;
use crate::problem::view::{ProblemHistory, ProblemList, ProblemView};
use crate::quality::model::FactList;

/// Everything that is a body, and with it everything that is part of one.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(
    Acknowledgement,
    Assigning,
    Assignment,
    Begun,
    CameOf,
    CloseAsked,
    Closing,
    Commented,
    Compaction,
    DatedAsked,
    DatedList,
    DatedView,
    Declaration,
    DeedList,
    ExclusionAsked,
    ExclusionList,
    ExclusionView,
    Explanation,
    FactList,
    FixAsked,
    Figures,
    Filing,
    FlowHours,
    Group,
    ImportTaken,
    ImportTerms,
    Incident,
    IncidentHistory,
    IncidentList,
    KnownErrorAsked,
    LetterList,
    LetterView,
    Linking,
    MaintenanceAsked,
    MaintenanceList,
    MaintenanceView,
    OfService,
    Pareto,
    Problem,
    ProblemAsked,
    ProblemHistory,
    ProblemList,
    ProblemView,
    ProbeHours,
    PushAnswer,
    Receipt,
    Reopening,
    Resolving,
    ResourceHours,
    Restatement,
    RevisionList,
    Revoked,
    ServiceList,
    StreamList,
    Timelines,
    TokenGiven,
    TokenList,
    TokenView,
    TrialView,
    Unlinking,
    VersionList,
    Wanted,
    Weighted,
    Whoami,
)))]
struct Bodies;

/// What is sent to the collector: here a key may be left out.
const SENT: [&str; 21] = [
    "Acknowledgement",
    "Assigning",
    "Begun",
    "CloseAsked",
    "Closing",
    "Commented",
    "DatedAsked",
    "Declaration",
    "ExclusionAsked",
    "Filing",
    "FixAsked",
    "KnownErrorAsked",
    "Linking",
    "MaintenanceAsked",
    "ProblemAsked",
    "Receipt",
    "Reopening",
    "Resolving",
    "Revoked",
    "Unlinking",
    "Wanted",
];
/// What stands among the keys of something else, which therefore has more keys than these.
const FLATTENED: [&str; 9] =
    ["About", "Action", "Change", "Figures", "Happening", "ProblemChange", "ProblemRecord", "Subject", "Timelines"];

/// The schemas. What the collector answers has every key that its schema names, and no other.
pub(super) fn components() -> Components {
    let mut components = Bodies::openapi().components.unwrap_or_default();
    for (name, schema) in &mut components.schemas {
        if !SENT.contains(&name.as_str()) {
            make_whole(schema, !FLATTENED.contains(&name.as_str()));
        }
    }
    components
}

/// Makes every key required and, if it is to be `closed`, allows no other.
fn make_whole(schema: &mut RefOr<Schema>, closed: bool) {
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => {
            object.required = object.properties.keys().cloned().collect();
            if closed && object.additional_properties.is_none() {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            object.properties.values_mut().for_each(|property| make_whole(property, true));
        }
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(|item| make_whole(item, closed)),
        RefOr::T(Schema::AnyOf(any)) => any.items.iter_mut().for_each(|item| make_whole(item, closed)),
        RefOr::T(Schema::AllOf(all)) => {
            all.items.iter_mut().for_each(|item| make_whole(item, false));
            if closed {
                all.extensions.get_or_insert_default().insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

impl ToSchema for Wanted {}

impl PartialSchema for Wanted {
    /// Only an agent's token names an agent, so that there are two shapes.
    fn schema() -> RefOr<Schema> {
        let others: Vec<&str> = Role::WORDS.into_iter().filter(|word| *word != "agent").collect();
        let shape = |roles: Vec<&str>, agent: RefOr<Schema>| {
            Object::builder()
                .property("name", Ref::from_schema_name(Id::name()))
                .property("role", Object::builder().schema_type(Type::String).enum_values(Some(roles)))
                .property("agent", agent)
                .property("expires", life())
                .required("name")
                .required("role")
                .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        };
        let none = Object::builder().schema_type(Type::Null).description(Some("Only an agent's token names one."));
        OneOfBuilder::new()
            .item(shape(vec!["agent"], Ref::from_schema_name(Id::name()).into()).required("agent"))
            .item(shape(others, none.into()))
            .description(Some("A token that is wanted."))
            .into()
    }
}

impl ToSchema for PriorityText {}

impl PartialSchema for PriorityText {
    fn schema() -> RefOr<Schema> {
        text("^P[1-5]$").into()
    }
}

impl ToSchema for CriticalityText {}

impl PartialSchema for CriticalityText {
    fn schema() -> RefOr<Schema> {
        text("^(low|medium|high|critical)$").into()
    }
}

impl ToSchema for UrgencyText {}

impl PartialSchema for UrgencyText {
    fn schema() -> RefOr<Schema> {
        text("^(urgent|normal)$").into()
    }
}

/// How long a token is to be good.
fn life() -> Schema {
    let length = text("^(never|([0-9]{1,12}(w|d|h|m|s|ms))+)$");
    AnyOfBuilder::new()
        .item(length)
        .item(date_time())
        .item(Object::with_type(Type::Null))
        .description(Some(
            "A length such as `90d` of at most ten years, an instant within them, or `never`; else 365d.",
        ))
        .into()
}

/// Over which window figures are taken: what [`uphold_common::catalogue::model::WindowKind::parse`] reads.
pub(super) fn window() -> RefOr<Schema> {
    let days = "0*([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-5][0-9]|3660)d";
    let hours = "0*([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-6][0-9]{3}|87[0-7][0-9]{2}|878[0-3][0-9]|87840)h";
    text(&format!("^(day|week|month|quarter|year|{days}|{hours})$")).into()
}

/// Figures, alone or with the timelines that they were taken from.
pub(super) fn figures() -> OneOfBuilder {
    let closed = |parts: &[&str]| {
        let parts = parts.iter().fold(AllOfBuilder::new(), |all, name| all.item(Ref::from_schema_name(*name)));
        let no_other = Extensions::builder().add("unevaluatedProperties", false).build();
        parts.extensions(Some(no_other))
    };
    let (figures, timelines) = (Figures::name(), Timelines::name());
    OneOfBuilder::new().item(closed(&[&figures])).item(closed(&[&figures, &timelines]))
}

/// One of the three figures of an availability, as a query says it.
pub(super) fn which_figure() -> Object {
    one_of(WhichFigure::WORDS.map(|(word, _)| word))
}

/// Yes or no, as a query says it.
pub(super) fn yes_or_no() -> Object {
    one_of(["true", "false"])
}

/// An instant as it is asked for: what [`Instant::parse`] reads.
pub(super) fn instant_asked() -> RefOr<Schema> {
    AnyOfBuilder::new().item(Ref::from_schema_name(Instant::name())).item(date_time()).into()
}

/// The number of an incident: what [`crate::incident::model::Number::parse`] reads.
pub(super) fn number() -> RefOr<Schema> {
    text("^(INC-)?[0-9]{1,19}$").into()
}

/// How a path calls an incident: what [`crate::incident::model::Called::parse`] reads.
pub(super) fn called() -> RefOr<Schema> {
    text("^((INC-)?[0-9]{1,19}|[0-9a-fA-F]{32})$").into()
}

/// The number of a problem: what [`crate::problem::model::ProblemNumber::parse`] reads.
pub(super) fn problem_number() -> RefOr<Schema> {
    text("^(PRB-)?[0-9]{1,19}$").into()
}

/// The number of a dead letter.
pub(super) fn letter_number() -> RefOr<Schema> {
    text("^[0-9]{1,19}$").into()
}

/// A resource of a host.
pub(in crate::api) fn resource() -> Object {
    one_of(Resource::WORDS.map(|(word, _)| word))
}

/// What flows through a host.
pub(in crate::api) fn flow() -> Object {
    one_of(Flow::WORDS.map(|(word, _)| word))
}

/// Which one of its kind: a mount, an interface.
pub(super) fn which() -> Object {
    Object::builder().schema_type(Type::String).max_length(Some(OF_BYTES_MAX)).build()
}

/// The hours of whatever was asked for.
pub(super) fn hours() -> OneOfBuilder {
    let names = [ProbeHours::name(), ResourceHours::name(), FlowHours::name()];
    names.into_iter().fold(OneOfBuilder::new(), |hours, name| hours.item(Ref::from_schema_name(name)))
}

fn one_of<const N: usize>(words: [&'static str; N]) -> Object {
    Object::builder().schema_type(Type::String).enum_values(Some(words)).build()
}

fn text(pattern: &str) -> Object {
    Object::builder().schema_type(SchemaType::Type(Type::String)).pattern(Some(pattern)).build()
}

fn date_time() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    Object::builder().schema_type(Type::String).format(Some(format)).build()
}
