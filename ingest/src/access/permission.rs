//! What a role may do for the people of the place it is held at. Deny by default: what is not in the table is not allowed.

use register::Role;

vitals::named! {
    /// One thing that somebody may do.
    Permission {
        /// See readings and alerts, and what was judged.
        SeeReadings = "see-readings",
        /// Take alerts, and say what was done.
        TakeAlerts = "take-alerts",
        /// See who a person is and how to reach them.
        SeeDetails = "see-details",
        /// Change who a person is, how to reach them, and which team or home is theirs.
        WriteDetails = "write-details",
        /// See a person's care plan, diagnoses and medicines.
        SeePlan = "see-plan",
        /// Change them.
        WritePlan = "write-plan",
        /// Say which protocols are in force at a place, and with which parameters.
        WriteProtocols = "write-protocols",
        /// See and record consents, objections and family carers.
        WriteConsent = "write-consent",
        /// See and record who has which device.
        AssignDevices = "assign-devices",
        /// See organisations, teams, homes, and who works there.
        SeePlaces = "see-places",
        /// Change organisations, teams and homes.
        WritePlaces = "write-places",
        /// Change who works where.
        WriteStaff = "write-staff",
        /// See devices and hubs.
        SeeDevices = "see-devices",
        /// Change devices.
        WriteDevices = "write-devices",
        /// Change hubs: enrol, revoke, and whose readings they send.
        WriteHubs = "write-hubs",
        /// Take emergency access to somebody's record outside the relationship.
        TakeEmergency = "take-emergency",
        /// See who looked at whose record, and every emergency access.
        SeeLog = "see-log",
        /// Give out everything held about one person.
        Export = "export",
        /// Agree to the erasure of a person's record: two people must.
        Erase = "erase",
    }
}

impl Permission {
    /// Whether it is for looking after people: then an objection of the person narrows it. What is owed to the person
    /// whatever they object to, such as the log of who looked, is not.
    #[must_use]
    pub fn is_for_care(self) -> bool {
        match self {
            Self::SeeReadings
            | Self::TakeAlerts
            | Self::SeeDetails
            | Self::WriteDetails
            | Self::SeePlan
            | Self::WritePlan
            | Self::WriteConsent
            | Self::AssignDevices => true,
            Self::SeePlaces
            | Self::WritePlaces
            | Self::WriteProtocols
            | Self::WriteStaff
            | Self::SeeDevices
            | Self::WriteDevices
            | Self::WriteHubs
            | Self::TakeEmergency
            | Self::SeeLog
            | Self::Export
            | Self::Erase => false,
        }
    }

    /// Whether emergency access opens it.
    #[must_use]
    pub fn opens_in_emergency(self) -> bool {
        matches!(self, Self::SeeReadings | Self::TakeAlerts | Self::SeeDetails | Self::SeePlan)
    }
}

/// What a role may do.
#[must_use]
pub fn permissions(role: Role) -> &'static [Permission] {
    use Permission as P;
    match role {
        Role::CaseManager => &[
            P::SeeReadings,
            P::TakeAlerts,
            P::SeeDetails,
            P::WriteDetails,
            P::SeePlan,
            P::WriteConsent,
            P::AssignDevices,
            P::SeePlaces,
            P::SeeDevices,
            P::TakeEmergency,
        ],
        Role::Clinician => &[
            P::SeeReadings,
            P::TakeAlerts,
            P::SeeDetails,
            P::WriteDetails,
            P::SeePlan,
            P::WritePlan,
            P::WriteConsent,
            P::AssignDevices,
            P::SeePlaces,
            P::SeeDevices,
            P::TakeEmergency,
        ],
        Role::HomeStaff => &[P::SeeReadings, P::TakeAlerts, P::SeeDetails, P::SeePlan, P::AssignDevices, P::SeePlaces],
        Role::HomeManager => &[
            P::SeeReadings,
            P::TakeAlerts,
            P::SeeDetails,
            P::WriteDetails,
            P::SeePlan,
            P::WriteConsent,
            P::AssignDevices,
            P::SeePlaces,
            P::SeeDevices,
        ],
        Role::Administrator => {
            &[P::SeeDetails, P::WriteDetails, P::SeePlaces, P::WritePlaces, P::WriteStaff, P::SeeDevices]
        }
        Role::Equipment => {
            &[P::SeeDetails, P::AssignDevices, P::SeePlaces, P::SeeDevices, P::WriteDevices, P::WriteHubs]
        }
        // Protocols and hazards are theirs; people's records are not.
        Role::ClinicalLead => &[P::SeePlaces, P::WriteProtocols],
        Role::SafetyOfficer => &[P::SeePlaces],
        Role::PrivacyOfficer => &[P::SeePlaces, P::SeeLog, P::Export, P::Erase],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_see_readings_is_somebody_who_looks_after_people() {
        let may: Vec<Role> =
            Role::ALL.iter().copied().filter(|role| permissions(*role).contains(&Permission::SeeReadings)).collect();
        assert_eq!(may, [Role::CaseManager, Role::Clinician, Role::HomeStaff, Role::HomeManager]);
    }

    #[test]
    fn nobody_both_looks_after_people_and_watches_who_looked() {
        for role in Role::ALL {
            let has = |permission| permissions(*role).contains(&permission);
            assert!(!(has(Permission::SeeReadings) && has(Permission::SeeLog)), "{role:?}");
            assert!(!(has(Permission::Erase) && has(Permission::WriteDetails)), "{role:?}");
        }
    }

    #[test]
    fn whoever_may_change_something_may_see_it() {
        for role in Role::ALL {
            let has = |permission| permissions(*role).contains(&permission);
            for (change, see) in [
                (Permission::TakeAlerts, Permission::SeeReadings),
                (Permission::WriteDetails, Permission::SeeDetails),
                (Permission::WritePlan, Permission::SeePlan),
                (Permission::WritePlaces, Permission::SeePlaces),
                (Permission::WriteProtocols, Permission::SeePlaces),
                (Permission::WriteDevices, Permission::SeeDevices),
                (Permission::WriteHubs, Permission::SeeDevices),
            ] {
                assert!(!has(change) || has(see), "{role:?} {change:?}");
            }
        }
    }
}
