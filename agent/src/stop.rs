//! How the loops of the agent are told to end.
//!
//! One side says stop once; every loop holds a [`Stop`] and waits for it beside its work. A side that went away without
//! a word has stopped too.

use tokio::sync::watch;

/// Told to every loop at once.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Held by a loop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// The two ends.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks every loop to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Returns once the loop is asked to end.
    pub async fn asked(&mut self) {
        // An error means that the other side is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
