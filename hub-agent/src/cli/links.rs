//! The links that the settings ask for, as one.

use crate::{
    Config, Parts,
    agent::ZONE,
    link::{
        Link, Links, Memory, NoDevices,
        ble::{BleLink, BleParts},
        serial::{SerialLink, SerialParts},
    },
};
use std::sync::Arc;
use vitals::record::NotASource;

/// Bluetooth where the settings have it, and a link for each serial port. Without either the agent only sends what it
/// kept before.
pub(super) fn of(config: &Config, parts: &Parts, memory: Arc<dyn Memory>) -> Result<Box<dyn Link>, NotASource> {
    let mut links: Vec<Box<dyn Link>> = Vec::new();
    if let Some(bluetooth) = &config.bluetooth {
        links.push(Box::new(BleLink::start(BleParts {
            config: bluetooth.clone(),
            hub: config.hub.clone(),
            clock: Arc::clone(&parts.clock),
            events: Arc::clone(&parts.events),
            memory,
            zone: ZONE,
        })?));
    }
    for port in &config.serial {
        links.push(Box::new(SerialLink::start(SerialParts {
            port: port.clone(),
            hub: config.hub.clone(),
            zone: ZONE,
            clock: Arc::clone(&parts.clock),
            events: Arc::clone(&parts.events),
        })?));
    }
    Ok(if links.is_empty() { Box::new(NoDevices) } else { Box::new(Links::new(links)) })
}
