//! REST and problem documents: parse, call app, render.
