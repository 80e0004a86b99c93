//! The descriptions that come with the program: the files of `config/receivers`, which serve as examples too.

/// Each by its name.
const ALL: [(&str, &str); 10] = [
    ("glpi", include_str!("../../../../config/receivers/glpi.yaml")),
    ("jira-service-management", include_str!("../../../../config/receivers/jira-service-management.yaml")),
    ("pagerduty", include_str!("../../../../config/receivers/pagerduty.yaml")),
    ("redmine", include_str!("../../../../config/receivers/redmine.yaml")),
    ("request-tracker", include_str!("../../../../config/receivers/request-tracker.yaml")),
    ("roundup", include_str!("../../../../config/receivers/roundup.yaml")),
    ("servicenow", include_str!("../../../../config/receivers/servicenow.yaml")),
    ("slack", include_str!("../../../../config/receivers/slack.yaml")),
    ("teams", include_str!("../../../../config/receivers/teams.yaml")),
    ("zammad", include_str!("../../../../config/receivers/zammad.yaml")),
];

/// The text of a preset.
pub fn text(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
#[path = "presets_tests.rs"]
mod tests;
