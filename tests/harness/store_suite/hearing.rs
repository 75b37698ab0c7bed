//! Two hubs that hear one cuff make one reading: whoever was second hears what the first was told.

use super::{
    Check, Holds, Plant,
    cast::{at, heard_by, hub, red},
    fault::{Fault, Read},
    same,
    shapes::{ChangesReadings, LosesVerdicts, salt},
    stage::{Stage, duplicate, far, stored},
};
use async_trait::async_trait;
use ingest::{
    access::Access,
    store::{Store, StoredReading},
};
use vitals::{Flag, Quality};

pub(super) fn checks() -> Vec<Check> {
    vec![Check {
        name: "two hubs that hear one cuff make one reading and one alert, and both hear the same",
        run: |stage| Box::pin(one_cuff(stage)),
        plants: vec![
            Plant::new("a reading is known by the hub that sent it", || {
                ChangesReadings::new(|admitted, _| {
                    let hub = admitted.hub.clone();
                    salt(admitted, hub.as_str().as_bytes());
                })
            }),
            Plant::of_hubs("the second hub hears no verdict", |hubs| LosesVerdicts::new(hubs, false)),
            Plant::new("the hub that was second is shown as the one that sent it", || SecondIsShown),
            Plant::new("how it was heard makes a conflict", || {
                ChangesReadings::new(|admitted, _| {
                    let heard_at = admitted.reading.times.hub_received.timestamp();
                    admitted.reading.raw.bytes.extend(heard_at.to_le_bytes());
                })
            }),
        ],
    }]
}

async fn one_cuff(stage: &mut Stage) -> Holds {
    let first = red(1, 1, 0);
    let told = stage.tell(&first, at(1)).await?;
    for (by, later) in [(1, 29), (2, 7200)] {
        // Who heard it, when and how well may differ; what the cuff said may not.
        let mut other = heard_by(&first, &hub(by), later);
        other.reading.quality = Quality::none().with(Flag::ArrivedLate);
        let outcome = stage.offer(&other, at(later + 1)).await?;
        let reading = super::only(outcome.readings, "outcomes of one reading")?;
        same(&duplicate(&reading)?, &Some(stored(&told)?), "what the other hub is told")?;
        same(&(outcome.alerts.len(), outcome.jobs), &(0, 0), "what the other hub's reading makes")?;
    }
    let kept = super::only(stage.readings().await?, "readings")?;
    same(&(kept.hub, kept.server_received), &(hub(0), at(0)), "who sent it first, and when")?;
    same(&kept.reading, &first.reading, "the first stays")?;
    same(&stage.refusals().await?, &Vec::new(), "conflicts")?;
    same(&stage.alerts().await?.len(), &1, "alerts")?;
    same(&stage.lease(far(), at(8000)).await?.len(), &1, "notifications")
}

struct SecondIsShown;

#[async_trait]
impl Fault for SecondIsShown {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        let mut readings = real.readings(who, limit).await?;
        readings.iter_mut().for_each(|stored| stored.hub = hub(1));
        Ok(readings)
    }
}
