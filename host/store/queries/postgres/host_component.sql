-- for: a plugin that a version uses
-- index: primary key of components
-- often: when a host meets a plugin for the first time
SELECT code FROM siyu.components WHERE digest = $1;
