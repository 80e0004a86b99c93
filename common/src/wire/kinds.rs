//! What a stream of a batch can be of, and the number of each on the wire.
//!
//! A number is given once and for ever. What is new gets the next one, and a new version of the batch: a collector that
//! does not know a kind has to say that it does not know the version, so that the agent keeps the batch.

use crate::observation::{Flow, Resource};

/// What a stream is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A probe.
    Probe,
    /// A resource of a host.
    Capacity(Resource),
    /// A flow of a host.
    Volume(Flow),
}

/// What streams are of, each at the number that stands on the wire: new ones are added at the end, and none ever moves.
const KINDS: [What; 27] = [
    What::Probe,
    What::Capacity(Resource::Cpu),
    What::Capacity(Resource::Memory),
    What::Capacity(Resource::Swap),
    What::Capacity(Resource::Filesystem),
    What::Volume(Flow::NetworkReceived),
    What::Volume(Flow::NetworkSent),
    What::Capacity(Resource::FilesystemInodes),
    What::Capacity(Resource::OpenFiles),
    What::Capacity(Resource::Threads),
    What::Capacity(Resource::CpuPressure),
    What::Capacity(Resource::MemoryPressure),
    What::Capacity(Resource::IoPressure),
    What::Capacity(Resource::DiskBusy),
    What::Capacity(Resource::NetworkReceived),
    What::Capacity(Resource::NetworkSent),
    What::Volume(Flow::NetworkReceiveErrors),
    What::Volume(Flow::NetworkSendErrors),
    What::Volume(Flow::NetworkReceiveDrops),
    What::Volume(Flow::NetworkSendDrops),
    What::Volume(Flow::DiskRead),
    What::Volume(Flow::DiskWritten),
    What::Volume(Flow::DiskErrors),
    What::Volume(Flow::FilesystemErrors),
    What::Volume(Flow::CpuTime),
    What::Volume(Flow::Load),
    What::Capacity(Resource::Measured),
];

impl What {
    /// Its number.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Probe => 0,
            Self::Capacity(Resource::Cpu) => 1,
            Self::Capacity(Resource::Memory) => 2,
            Self::Capacity(Resource::Swap) => 3,
            Self::Capacity(Resource::Filesystem) => 4,
            Self::Volume(Flow::NetworkReceived) => 5,
            Self::Volume(Flow::NetworkSent) => 6,
            Self::Capacity(Resource::FilesystemInodes) => 7,
            Self::Capacity(Resource::OpenFiles) => 8,
            Self::Capacity(Resource::Threads) => 9,
            Self::Capacity(Resource::CpuPressure) => 10,
            Self::Capacity(Resource::MemoryPressure) => 11,
            Self::Capacity(Resource::IoPressure) => 12,
            Self::Capacity(Resource::DiskBusy) => 13,
            Self::Capacity(Resource::NetworkReceived) => 14,
            Self::Capacity(Resource::NetworkSent) => 15,
            Self::Volume(Flow::NetworkReceiveErrors) => 16,
            Self::Volume(Flow::NetworkSendErrors) => 17,
            Self::Volume(Flow::NetworkReceiveDrops) => 18,
            Self::Volume(Flow::NetworkSendDrops) => 19,
            Self::Volume(Flow::DiskRead) => 20,
            Self::Volume(Flow::DiskWritten) => 21,
            Self::Volume(Flow::DiskErrors) => 22,
            Self::Volume(Flow::FilesystemErrors) => 23,
            Self::Volume(Flow::CpuTime) => 24,
            Self::Volume(Flow::Load) => 25,
            Self::Capacity(Resource::Measured) => 26,
        }
    }

    /// What has this number, if anything has.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        KINDS.get(usize::from(code)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_number_of_its_own() {
        let resources = Resource::WORDS.map(|(_, resource)| What::Capacity(resource));
        let flows = Flow::WORDS.map(|(_, flow)| What::Volume(flow));
        let all: Vec<What> = [What::Probe].into_iter().chain(resources).chain(flows).collect();
        assert_eq!(all.len(), KINDS.len());
        for what in all {
            assert_eq!(What::from_code(what.code()), Some(what));
        }
        assert!((0_u8..).zip(KINDS).all(|(code, what)| what.code() == code));
        assert_eq!(What::from_code(27), None);
    }
}
