//! Why incidents open, as words: they stand in routes, in messages, in the API and in what is stored, and never change.

/// Why an incident opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A service is down.
    ServiceDown,
    /// A service has been degraded for long.
    ServiceDegraded,
    /// A target is breached in its window.
    TargetBreached,
    /// A target can no longer be met in its window.
    TargetUnreachable,
    /// The error budget of a target burns fast.
    BudgetBurning,
    /// A resource has been at or above a threshold for long.
    CapacityAbove,
    /// An agent tells nothing any more.
    AgentSilent,
    /// A service is not measured.
    ServiceUnmeasured,
    /// A certificate ends soon.
    CertificateExpiring,
    /// A maintenance has not ended when it should have.
    MaintenanceOverrun,
    /// The clock of an agent is off.
    ClockOff,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ServiceDown,
        Self::ServiceDegraded,
        Self::TargetBreached,
        Self::TargetUnreachable,
        Self::BudgetBurning,
        Self::CapacityAbove,
        Self::AgentSilent,
        Self::ServiceUnmeasured,
        Self::CertificateExpiring,
        Self::MaintenanceOverrun,
        Self::ClockOff,
    ];

    /// As the catalogue, messages and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceDown => "service_down",
            Self::ServiceDegraded => "service_degraded",
            Self::TargetBreached => "target_breached",
            Self::TargetUnreachable => "target_unreachable",
            Self::BudgetBurning => "budget_burning",
            Self::CapacityAbove => "capacity_above",
            Self::AgentSilent => "agent_silent",
            Self::ServiceUnmeasured => "service_unmeasured",
            Self::CertificateExpiring => "certificate_expiring",
            Self::MaintenanceOverrun => "maintenance_overrun",
            Self::ClockOff => "clock_off",
        }
    }

    /// Reads it as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_as_it_is_written() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(Cause::parse("Service_Down"), None);
    }
}
