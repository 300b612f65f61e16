//! Test tools: simulator, script runner, real-process harness, differential runner.
