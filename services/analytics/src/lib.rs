//! Coverage and reach: projections of the other services' events.
