//! The whole way, with real processes: a server that fails, an agent that sees it, a collector that measures it, and a
//! receiver that is told.
//!
//! Every test starts its own server, inbox, collector and agent in a folder of its own, and reads its own clock around
//! what it does to them; the figures are held against those readings. Nothing asserts how quick anything is: what is
//! waited for has a deadline that only a program that hangs reaches.
//!
//! | module | what it proves |
//! |---|---|
//! | `world` | the programs and servers of one test |
//! | `figures` | reading what the programs say |
//! | `pushes` | pushes made by hand |
//! | `outage` | an outage is one break and one incident, also while the collector is away or killed |
//! | `away` | whoever is away for a while: the receiver, the agent in an outage, the collector again and again |
//! | `backlog` | a backlog of five hours raises no false alarm, and what it holds is on record at its times |
//! | `deleted` | a store that is deleted is filled again by what the agents hold; what is lost is unmeasured and named |
//! | `silence` | what an agent does not see is unmeasured; what it spooled is delivered |
//! | `capacity` | a file system that fills up is raised once for each threshold |
//! | `one_number` | page, metrics, API, reports: one number |
//! | `hours` | what each hour comes to, answered and plotted |
//! | `imported` | history that is imported, through kills, and exported as it was |
//! | `up` | `up` shows something at once; a data directory has one holder |
//! | `compacted` | a store that is compacted keeps its figures, and nothing waits in it |
//! | `explained` | what a figure is made of, down to the attempt, of a collector that runs and of its store |
//! | `agreed` | only the hours of a calendar count, with holidays out of a file |
//! | `changed` | a catalogue that grows |
//! | `callers` | who asks, in a test: tokens, and requests that carry them |
//! | `access` | tokens and roles: who may do what, and what a stolen token is good for |
//! | `governed` | what people put on record: whose it is, one for each id, kept over a kill |
//! | `revised` | closed windows are issued, and again when late data or records change them, over a kill; no others are |
//! | `told` | what an agent tells of its own measuring is on record, and beside the figure |
//! | `reserve` | without room on the disk pushes are refused, kept by the agents, and delivered once there is room |
//! | `replaced` | an agent whose token is taken away and replaced loses nothing |
//! | `delivered` | messages by every channel, each to a program that is not ours |
//! | `enrolled` | an agent that is enrolled is tried first, and works then |
//! | `browser` | what a browser sends and shows: foreign pages, hostile text, sessions |
//! | `odd` | whatever is refused is refused with a problem, also what no client of ours sends |
//! | `refused` | pushes and catalogues that are refused leave everything as it was |
//! | `recurring` | what comes again is a problem; what helps is told with the next incident, and a fix that was none shows |
//! | `endings` | programs that are asked to end do, whoever still talks to them |
//! | `flood` | agents lose nothing beside a crowd of connections that drip or say nothing |
//! | `alertmanager` | a real Alertmanager is told the state, and no more once the collector is gone |
//! | `desks` | two more real ticket systems, with their own ways to say yes |
//! | `tickets` | a real ticket system has everything once, and what people do there is done here |
//! | `scraped` | a real Prometheus finds and scrapes both programs, and reads the same number |
//! | `reached` | over TLS, and from nowhere that would be insecure |
//! | `shown` | the metrics are sound, the page loads nothing |
//! | `year` | a year that is imported; a late hour of it changes its days and windows, and nothing else |

#![expect(clippy::unwrap_used, reason = "what a test of real processes cannot do, fails it")]
#![expect(clippy::panic, reason = "a failed expectation says what was there instead")]

mod access;
mod acted;
mod agreed;
mod alertmanager;
mod away;
mod backlog;
mod browser;
mod callers;
mod capacity;
mod changed;
mod compacted;
mod deleted;
mod delivered;
mod desks;
mod endings;
mod enrolled;
mod explained;
mod figures;
mod flood;
mod governed;
mod host;
mod hours;
mod imported;
mod odd;
mod one_number;
mod outage;
mod pushes;
mod reached;
mod recurring;
mod refused;
mod replaced;
mod reserve;
mod revised;
mod scraped;
mod shown;
mod silence;
mod tickets;
mod told;
mod up;
mod world;
mod year;
