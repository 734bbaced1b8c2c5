-- Contents that were ever found infected: what looked clean to other signatures of one of these is not taken over.
create index scans_infected on scans (sha512) where state = 'infected';
