#!/usr/bin/env node
// Committed beside dist so that package managers can link the command before the first build.
import '../dist/main.js'
