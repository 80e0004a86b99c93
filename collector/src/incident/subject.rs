//! What an incident is about: its key, of which there is never a second one open.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::{Threshold, Urgency};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use utoipa::ToSchema;

/// What an incident is about: with a subject of its kind there is never a second one open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Subject {
    /// A service is confirmed down.
    ServiceDown {
        /// The service.
        service: Id,
    },
    /// A service has been degraded for long.
    ServiceDegraded {
        /// The service.
        service: Id,
    },
    /// A target is breached in a window.
    TargetBreached {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
        /// The start of the window; none for a rolling window, which has no beginning of its own.
        window_start: Option<Instant>,
    },
    /// A target can no longer be met in its window.
    TargetUnreachable {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
        /// The start of the window.
        window_start: Instant,
    },
    /// The error budget of a target burns fast.
    BudgetBurning {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
    },
    /// A resource is used at or above a threshold.
    CapacityAbove {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
        /// Which of its thresholds.
        threshold: Threshold,
    },
    /// An agent tells nothing any more.
    AgentSilent {
        /// The agent.
        agent: Id,
    },
    /// Nothing is seen of a service.
    ServiceUnmeasured {
        /// The service.
        service: Id,
    },
    /// A certificate that a probe sees ends soon.
    CertificateExpiring {
        /// The service.
        service: Id,
        /// Its probe.
        probe: Id,
    },
    /// A maintenance is over, and its service still down.
    MaintenanceOverrun {
        /// The service.
        service: Id,
        /// The maintenance, as it stands on record.
        maintenance: Id,
    },
    /// The clock of an agent is off.
    ClockOff {
        /// The agent.
        agent: Id,
    },
}

/// What kind of trouble it is: how incidents are classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A service does not work, or not well.
    Availability,
    /// A promise is broken, or will be.
    ServiceLevel,
    /// A resource comes to its end.
    Capacity,
    /// What is to be known is not known, or not well.
    Measurement,
    /// A certificate ends.
    Security,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Availability, Self::ServiceLevel, Self::Capacity, Self::Measurement, Self::Security];

    /// As the API and messages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::ServiceLevel => "service_level",
            Self::Capacity => "capacity",
            Self::Measurement => "measurement",
            Self::Security => "security",
        }
    }

    /// Of what opens an incident.
    pub const fn of(cause: Cause) -> Self {
        match cause {
            Cause::ServiceDown | Cause::ServiceDegraded | Cause::MaintenanceOverrun => Self::Availability,
            Cause::TargetBreached | Cause::TargetUnreachable | Cause::BudgetBurning => Self::ServiceLevel,
            Cause::CapacityAbove => Self::Capacity,
            Cause::AgentSilent | Cause::ServiceUnmeasured | Cause::ClockOff => Self::Measurement,
            Cause::CertificateExpiring => Self::Security,
        }
    }
}

impl Subject {
    /// Why it opens.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::ServiceDown { .. } => Cause::ServiceDown,
            Self::ServiceDegraded { .. } => Cause::ServiceDegraded,
            Self::TargetBreached { .. } => Cause::TargetBreached,
            Self::TargetUnreachable { .. } => Cause::TargetUnreachable,
            Self::BudgetBurning { .. } => Cause::BudgetBurning,
            Self::CapacityAbove { .. } => Cause::CapacityAbove,
            Self::AgentSilent { .. } => Cause::AgentSilent,
            Self::ServiceUnmeasured { .. } => Cause::ServiceUnmeasured,
            Self::CertificateExpiring { .. } => Cause::CertificateExpiring,
            Self::MaintenanceOverrun { .. } => Cause::MaintenanceOverrun,
            Self::ClockOff { .. } => Cause::ClockOff,
        }
    }

    /// The service it is about; none where it is about an agent.
    pub const fn service(&self) -> Option<&Id> {
        match self.agent() {
            None => Some(self.name()),
            Some(_) => None,
        }
    }

    /// The agent it is about; none where it is about a service.
    pub const fn agent(&self) -> Option<&Id> {
        match self {
            Self::AgentSilent { agent } | Self::ClockOff { agent } => Some(agent),
            _ => None,
        }
    }

    /// The target it is about, if it is about one.
    pub const fn target(&self) -> Option<&TargetId> {
        match self {
            Self::TargetBreached { target, .. }
            | Self::TargetUnreachable { target, .. }
            | Self::BudgetBurning { target, .. }
            | Self::CapacityAbove { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The name of what it is about: of the service, or of the agent.
    pub const fn name(&self) -> &Id {
        match self {
            Self::ServiceDown { service }
            | Self::ServiceDegraded { service }
            | Self::TargetBreached { service, .. }
            | Self::TargetUnreachable { service, .. }
            | Self::BudgetBurning { service, .. }
            | Self::CapacityAbove { service, .. }
            | Self::ServiceUnmeasured { service }
            | Self::CertificateExpiring { service, .. }
            | Self::MaintenanceOverrun { service, .. } => service,
            Self::AgentSilent { agent } | Self::ClockOff { agent } => agent,
        }
    }

    /// How urgent it is by itself: an outage and a critical use now, a broken promise and a warning in their turn.
    pub const fn urgency(&self) -> Urgency {
        match self {
            Self::ServiceDown { .. }
            | Self::TargetUnreachable { .. }
            | Self::MaintenanceOverrun { .. }
            | Self::CapacityAbove { threshold: Threshold::Critical, .. } => Urgency::Urgent,
            Self::ServiceDegraded { .. }
            | Self::TargetBreached { .. }
            | Self::BudgetBurning { .. }
            | Self::AgentSilent { .. }
            | Self::ServiceUnmeasured { .. }
            | Self::CertificateExpiring { .. }
            | Self::ClockOff { .. }
            | Self::CapacityAbove { threshold: Threshold::Warning, .. } => Urgency::Normal,
        }
    }

    /// One line that names it, such as `capacity_above:shop:shop-sla/disk:critical`: the key that other systems know an
    /// incident of this kind by. At most 250 characters.
    pub fn key(&self) -> String {
        let (cause, name) = (self.cause().as_str(), self.name());
        match self {
            Self::TargetBreached { target, window_start: Some(start), .. }
            | Self::TargetUnreachable { target, window_start: start, .. } => {
                format!("{cause}:{name}:{target}:{}", start.as_ms())
            }
            Self::TargetBreached { target, window_start: None, .. } | Self::BudgetBurning { target, .. } => {
                format!("{cause}:{name}:{target}")
            }
            Self::CapacityAbove { target, threshold, .. } => format!("{cause}:{name}:{target}:{}", threshold.as_str()),
            Self::CertificateExpiring { probe, .. } => format!("{cause}:{name}:{probe}"),
            Self::MaintenanceOverrun { maintenance, .. } => format!("{cause}:{name}:{maintenance}"),
            Self::ServiceDown { .. }
            | Self::ServiceDegraded { .. }
            | Self::AgentSilent { .. }
            | Self::ServiceUnmeasured { .. }
            | Self::ClockOff { .. } => format!("{cause}:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_what_it_is_about_and_stays_short() {
        let id = |text: &str| Id::new(text).unwrap();
        let down = Subject::ServiceDown { service: id("shop") };
        assert_eq!(down.key(), "service_down:shop");
        assert_eq!((down.service(), down.agent(), down.name()), (Some(&id("shop")), None, &id("shop")));
        let long = id(&"x".repeat(64));
        let target = TargetId { parent: long.clone(), child: long.clone() };
        let unreachable = Subject::TargetUnreachable { service: long, target, window_start: Instant::MAX };
        assert!(unreachable.key().len() <= 250, "{}", unreachable.key());
        let silent = Subject::AgentSilent { agent: id("a") };
        assert_eq!((silent.key().as_str(), silent.service()), ("agent_silent:a", None));
    }

    #[test]
    fn what_is_stored_calls_a_cause_by_its_word() {
        let id = |text: &str| Id::new(text).unwrap();
        let subject = Subject::CertificateExpiring { service: id("shop"), probe: id("door") };
        let written = serde_json::to_value(&subject).unwrap();
        assert_eq!(written["cause"], subject.cause().as_str());
        assert_eq!(serde_json::from_value::<Subject>(written).unwrap(), subject);
    }
}
