#!/usr/bin/perl

# Key sets by URL over the life of nginx: the file in which they are kept,
# restarts and reloads, workers that die over a fetch, and the one process that
# has no master.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use ParaKeys;
use Test::More;

use Digest::SHA qw(sha256_hex);
use JSON::PP    qw(encode_json);
use POSIX       qw(_exit mkfifo);
use Time::HiRes qw(sleep time);

use constant {
    RELOADS => 20,
    CLIENTS => 4,
};

# So that nothing happens that the test does not cause.
my @QUIET = (refresh => '1h', cooldown => '1h');

# Where Para can be made to be and not to be.
my $PORT = para_listen();
my $API  = "http://127.0.0.1:$PORT";
my $URL  = $API . JWKS;

my $token = fresh_jwt();

sub para_goes  { para_unlisten($PORT); return }
sub para_comes { para_listen(port => $PORT); return }

sub mode_of { return sprintf '%04o', (stat $_[0])[2] & oct '7777' }

# The set as Para gives it, which counts as a fetch.
sub published { return get($PARA_PORT, JWKS)->{body} }

# The one file in a directory.
sub file_in {
    my ($dir) = @_;

    my @files = grep { !-d } glob "$dir/*";
    return @files == 1 ? $files[0] : "@files";
}

# A file as it is to be, made without the code under test.
sub kept {
    my ($jwks, %options) = @_;

    my $url     = $options{url}     // $URL;
    my $fetched = $options{fetched} // int time;
    my $sum     = sha256_hex(
        map { pack('CQ>', 1, length) . $_ } $url, $fetched, $jwks);

    return "para-auth-jwks 1\nurl $url\nfetched $fetched\nsha256 $sum\n\n"
        . $jwks;
}

sub write_file {
    my ($path, $text) = @_;
    open my $out, '>:raw', $path or die "$path: $!";
    print {$out} $text;
    close $out or die "$path: $!";
    return;
}


# ---- The file --------------------------------------------------------------

my $dir  = "$PARA_DIR/state";
my $jwks = published();

sub keeper {
    my (%options) = @_;
    return key_gateway(
        workers => 2,
        api     => $API,
        state   => $dir,
        @QUIET, %options
    );
}

my $file;

{
    my $nginx =
        keeper(refresh => '300ms', cooldown => '300ms', max_stale => '1h');
    is_everywhere($nginx, $token, 200, 'file: before');
    ok(wait_until(5, sub { -f file_in($dir) }), 'file: it is made');
    $file = file_in($dir);

    my ($worker) = serving($nginx);
    is(mode_of($dir),  '0700', 'file: its directory is nobody else\'s');
    is(mode_of($file), '0600', 'file: nor is it');
    is((stat $dir)[4], (stat "/proc/$worker")[4],
        'file: but its worker\'s');
    is((stat $file)[4], (stat "/proc/$worker")[4], 'file: made by it');

    my $text = slurp($file);
    my ($fetched) = $text =~ /^fetched (\d+)$/m;
    cmp_ok(abs($fetched - time), '<', 10, 'file: of now');
    is($text, kept($jwks, fetched => $fetched), 'file: as is written');
    is(file_in($dir), $file, 'file: and no other');

    # Unchanged is fetched too; a new set takes its place.
    ok( wait_until(
            10,
            sub { slurp($file) =~ /^fetched (\d+)$/m && $1 > $fetched }
        ),
        'file: the time goes on'
    );
    para_keys(rotate => 1);
    my $new = published();
    ok(wait_until(10, sub { slurp($file) =~ /\n\n\Q$new\E\z/ }),
        'file: the new set');
    para_keys(set => 'x');
    wait_for_fetches(fetches() + 2);
    like(slurp($file), qr/\n\n\Q$new\E\z/, 'file: but not a bad one');
    reset_para(keys => 1);
    ok(wait_until(10, sub { slurp($file) =~ /\n\n\Q$jwks\E\z/ }),
        'file: and a good one again');
    is_healthy($nginx, 'file');
    $nginx->stop;
}

# A restart while Para is away.
{
    reset_para();
    para_goes();
    my $begin = time;
    my $nginx = keeper(refresh => '1h', cooldown => '1s');
    is_everywhere($nginx, $token, 200, 'restart: verified');
    is_everywhere($nginx, fresh_jwt(), 200, 'restart: not by a cache');
    cmp_ok(time - $begin, '<', 4, 'restart: at once');
    is_everywhere($nginx, unknown_jwt(), 503, 'restart: others may be new');
    says_once($nginx, qr/\[error\].*\(connect.*the last good one goes on/,
        'restart: Para\'s absence is told');
    is(fetches(), 0, 'restart: it is away indeed');

    para_comes();
    para_keys(rotate => 1);
    becomes_everywhere($nginx, fresh_jwt(), 200, 'restart: a new set');
    says_once($nginx, qr/\[notice\].*is fetched again/, 'restart: told');
    reset_para(keys => 1);
    is_healthy($nginx, 'restart');
    $nginx->stop;
}

# Para is there: what is in the file is good for the moment only.
{
    write_file($file, kept($jwks));
    reset_para();
    para_keys(withdraw => jwt_header($token)->{kid});
    fault(JWKS, 'slow', delay_ms => 1000, times => 1);
    my $nginx = keeper();
    is_everywhere($nginx, $token, 200, 'fetched at once: first the file');
    becomes_everywhere($nginx, $token, 401, 'fetched at once: then the set');
    cmp_ok(fetches(), '<=', 2, 'fetched at once: and for the unknown kid');
    is((para_requests(JWKS))[0]{header}{'if-none-match'}, undef,
        'fetched at once: with no condition');
    is_healthy($nginx, 'fetched at once');
    $nginx->stop;
    reset_para(keys => 1);
}

# Files that are not believed.
{
    para_goes();
    (my $altered = kept($jwks)) =~ s/("n":"..)(.)/$1 . ($2 ^ "\1")/e or die;
    (my $later = kept($jwks, fetched => int(time) - 9000)) =~
        s/^fetched \d+/'fetched ' . int time/me or die;
    (my $stranger = kept($jwks, url => "$URL?")) =~ s/\Q$URL\E\?/$URL/ or die;
    (my $version = kept($jwks)) =~ s/jwks 1/jwks 2/ or die;
    my $aside = "$PARA_DIR/aside";
    my $long  = length $jwks;

    my @bad = (
        ['nothing',         '',                        qr/no key set that/],
        ['another version', $version,                  qr/this version/],
        ['torn in its head', substr(kept($jwks), 0, 40), qr/it has no line/],
        ['torn',            substr(kept($jwks), 0, -$long / 2),
                                                       qr/torn or altered/],
        ['torn at its end', substr(kept($jwks), 0, -1), qr/torn or altered/],
        ['altered',         $altered,                  qr/torn or altered/],
        ['made younger',    $later,                    qr/torn or altered/],
        ['given our URL',   $stranger,                 qr/torn or altered/],
        ['of another URL',  kept($jwks, url => "$URL?"),
                                                       qr/of another URL/],
        ['of the future',   kept($jwks, fetched => int(time) + 3600),
                                                       qr/in the future/],
        ['too old',         kept($jwks, fetched => int(time) - 86_460),
                                                       qr/older than jwks_max/],
        ['a private key',   kept(encode_json({keys => [para_key(0)]})),
                                                       qr/are not used: /],
        ['garbage',         kept('x'),                 qr/are not used: /],
        ['too long',        kept($jwks . ' ' x 70_000), qr/none, or too long/],
        ['a link',          sub { symlink $aside, $file },
                                                       qr/ failed/],
        ['a pipe',          sub { mkfifo($file, oct '0600') },
                                                       qr/no regular file/],
        ['a directory',     sub { mkdir $file },       qr/no regular file/],
    );

    write_file($aside, kept($jwks));

    for my $case (@bad) {
        my ($name, $what, $line) = @$case;

        unlink $file;
        ref $what ? $what->() || die "$file: $!" : write_file($file, $what);

        my $nginx = keeper();
        is_everywhere($nginx, $token, 503, "$name: is not believed");
        says_once($nginx, qr/\[(?:error|notice)\].*\Q$file\E.*$line/,
            "$name: and told why")
            || diag($nginx->error_log);
        is_healthy($nginx, $name);
        $nginx->stop;

        rmdir $file;
    }

    # That was not for another reason.
    write_file($file, kept($jwks));
    my $nginx = keeper();
    is_everywhere($nginx, $token, 200, 'what is right is believed');
    $nginx->stop;

    # One that is not followed is not written through either.
    para_comes();
    unlink $file;
    symlink $aside, $file or die $!;
    write_file($aside, 'x');
    $nginx = keeper();
    is_everywhere($nginx, $token, 200, 'a link: fetched');
    ok(wait_until(5, sub { -f $file && !-l $file }), 'a link: replaced');
    is(slurp($aside), 'x', 'a link: and not followed');
    $nginx->stop;

    unlink $file;
    symlink $aside, "$file.new" or die $!;
    $nginx = keeper();
    is_everywhere($nginx, $token, 200, 'a link in the way: fetched');
    says_once($nginx, qr/\[error\].*cannot be kept in/,
        'a link in the way: told');
    is(slurp($aside), 'x', 'a link in the way: and not followed');
    $nginx->stop;
    unlink "$file.new";
}

# jwks_max_stale goes on over a restart.
{
    para_goes();
    my $fetched = int(time) - 20;
    write_file($file, kept($jwks, fetched => $fetched));
    my $nginx = keeper(
        refresh   => '2s',
        cooldown  => '1s',
        max_stale => '25s'
    );
    is_everywhere($nginx, $token, 200, 'max_stale: not yet over');
    becomes_everywhere($nginx, $token, 503, 'max_stale: now it is');
    cmp_ok(time, '>=', $fetched + 25, 'max_stale: not before its time');
    cmp_ok(time, '<', $fetched + 36, 'max_stale: since the fetch');
    says_once($nginx, qr/\[error\].*longer than jwks_max_stale/,
        'max_stale: told');
    is_healthy($nginx, 'max_stale');
    $nginx->stop;
    para_comes();
}

# A directory that cannot be written to.
{
    my $nginx =
        keeper(refresh => '200ms', cooldown => '200ms', max_stale => '1h');
    is_everywhere($nginx, $token, 200, 'unwritable: before');
    wait_until(5, sub { -f $file });
    chmod oct('0500'), $dir or die $!;

    says_once($nginx, qr/cannot be kept in.*open\(\) failed \(13/,
        'unwritable: told');
    my $n = fetches();
    wait_for_fetches($n + 6);
    is(scalar(said($nginx, qr/\[(?:error|crit|alert)\]/)), 1,
        'unwritable: once')
        || diag(join "\n", said($nginx, qr/\[(?:error|crit|alert)\]/));
    is_everywhere($nginx, fresh_jwt(), 200, 'unwritable: service goes on');

    chmod oct('0700'), $dir or die $!;
    my ($fetched) = slurp($file) =~ /^fetched (\d+)$/m;
    ok( wait_until(
            10,
            sub { slurp($file) =~ /^fetched (\d+)$/m && $1 > $fetched }
        ),
        'unwritable: no longer'
    );
    chmod oct('0500'), $dir or die $!;
    says_once($nginx, qr/\[error\].*cannot be kept in/, 'unwritable: again',
        2);
    chmod oct('0700'), $dir or die $!;
    $nginx->stop;
}


# ---- Reloads ---------------------------------------------------------------

{
    reset_para();
    my $nginx = key_gateway(workers => 2, api => $API, @QUIET);
    is_everywhere($nginx, $token, 200, 'reload: before');
    para_goes();
    reload_and_wait($nginx);

    my @answers = ask_workers($nginx, $token);
    is_deeply(statuses(@answers), {200 => 2}, 'reload: the keys are there');
    is(join(' ', map { $_->{header}{'x-cache'} } @answers), 'HIT HIT',
        'reload: who is known is known');
    is_everywhere($nginx, fresh_jwt(), 200, 'reload: and so is who is not');
    is(fetches(), 1, 'reload: without a fetch');
    is(scalar(said($nginx, qr/\[error\]/)), 0, 'reload: and nobody tried');
    is_healthy($nginx, 'reload');
    $nginx->stop;
    para_comes();
}

# In the middle of a fetch, with requests that wait for it.
{
    reset_para();
    fault(JWKS, 'slow', delay_ms => 1200, times => 1);
    my $nginx = key_gateway(workers => 2, @QUIET);
    wait_for_fetches(1);
    my $text    = request_text('/', headers => bearer($token));
    my @waiting = map { connect_to($nginx->{spread}) } 1 .. 40;
    send_text($_, $text) for @waiting;
    sleep 0.1;
    reload_and_wait($nginx);
    my @new = map { connect_to($nginx->{spread}) } 1 .. 40;
    send_text($_, $text) for @new;

    is_deeply(statuses(map { read_answer($_) } @waiting),
        {200 => 40}, 'reload in a fetch: who waits is served');
    is_deeply(statuses(map { read_answer($_) } @new),
        {200 => 40}, 'reload in a fetch: who comes then, too');
    is(fetches(), 1, 'reload in a fetch: of one fetch');
    is_healthy($nginx, 'reload in a fetch');
    $nginx->stop;
}

# With nobody who waits: the old worker goes, and another one begins anew.
{
    reset_para();
    fault(JWKS, 'hang', times => 1);
    my $nginx = key_gateway(workers => 2, @QUIET);
    wait_for_fetches(1);
    my @before = serving($nginx);
    my $begin  = time;
    reload_and_wait($nginx);
    ok(wait_until(5, sub { !grep { kill 0, $_ } @before }),
        'reload in a hung fetch: the old workers go');
    is_everywhere($nginx, $token, 200, 'reload in a hung fetch: the new know');
    cmp_ok(time - $begin, '<', 8, 'reload in a hung fetch: soon');
    is(fetches(), 2, 'reload in a hung fetch: of a second one');
    is_healthy($nginx, 'reload in a hung fetch');
    $nginx->stop;
}

# A client that asks again and again until told to stop.  It says how many
# answers were right, and what the first wrong one was.
sub start_client {
    my ($nginx, $jwts) = @_;

    pipe my $stop_in, my $stop    or die "pipe: $!";
    pipe my $said,    my $said_in or die "pipe: $!";

    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $stop;
        my ($good, $wrong) = (0, '');

        while (!$wrong) {
            my $bits = '';
            vec($bits, fileno $stop_in, 1) = 1;
            last if select $bits, undef, undef, 0.001;

            my $answer = ask($nginx, $jwts->[$good % @$jwts]);
            $answer->{status} == 200
                ? $good++
                : ($wrong = "$answer->{status} " . ($answer->{error} // ''));
        }

        syswrite $said_in, "$good $wrong\n";
        _exit(0);
    }

    close $said_in;
    return {pid => $pid, stop => $stop, said => $said};
}

# [good, wrong] of each.  All pipes are closed first: who came later has a copy.
sub stop_clients {
    my @clients = @_;

    close $_->{stop} for @clients;
    return map {
        chomp(my $said = readline $_->{said});
        waitpid $_->{pid}, 0;
        [split / /, $said, 2];
    } @clients;
}

{
    reset_para();
    my $nginx = key_gateway(
        workers  => 2,
        refresh  => '250ms',
        cooldown => '250ms'
    );
    is_everywhere($nginx, $token, 200, 'reloads: before');

    my $begin   = time;
    my @jwts    = map { fresh_jwt() } 1 .. 200;
    my @clients = map { start_client($nginx, \@jwts) } 1 .. CLIENTS;

    for my $n (1 .. RELOADS) {
        para_keys(rotate => 1) if $n % 7 == 0;
        reload_and_wait($nginx);
    }

    my $took = time - $begin;
    my $total = 0;
    for my $said (stop_clients(@clients)) {
        my ($good, $wrong) = @$said;
        is($wrong, '', 'reloads: no request failed');
        $total += $good;
    }
    cmp_ok($total, '>', 100, "reloads: of $total");
    cmp_ok(fetches(), '<=', $took / 0.22 + 3 + RELOADS,
        'reloads: not all too many fetches');
    is(scalar(said($nginx, qr/\[error\]/)), 0, 'reloads: no error');
    is_everywhere($nginx, fresh_jwt(), 200, 'reloads: the newest key');
    is_healthy($nginx, 'reloads');
    $nginx->stop;
    reset_para(keys => 1);
}

# Providers come and go.
{
    reset_para();
    my $other = second_para();
    my $first = 'http://127.0.0.1:' . $other->emulator_port;
    my $nginx = key_gateway(workers => 2, @QUIET);

    my $foreign = $other->login('bob')->{jwt};

    is_everywhere($nginx, $token,   200, 'provider: ours');
    is_everywhere($nginx, $foreign, 401, 'provider: another one\'s');
    my $n = fetches();

    # ... is added,
    rewrite_conf(
        $nginx,
        sub {
            s/(?=\n\s*server \{)/para_provider(name => 'other', api => $first,
                key_source => 'url', lines => key_lines(@QUIET))
                =~ s{audience \S+;}{audience any;}r/e;
            s{(?=location /both)}{location /other {
                para_auth other jwt; try_files /small.txt =404; }\n};
        }
    );
    reload_and_wait($nginx);
    is(ask($nginx, $foreign, '/other')->{status}, 200, 'provider: added');
    is(ask($nginx, $token,   '/other')->{status}, 401, 'provider: its own');
    is_everywhere($nginx, $token, 200, 'provider: the first one goes on');
    is(fetches(), $n, 'provider: and is not fetched again');
    my $others = fetches($other);
    cmp_ok($others, '>=', 1, 'provider: the other is');

    # ... goes away,
    my $with = slurp($nginx->{file});
    rewrite_conf(
        $nginx,
        sub {
            s/para_auth_provider other \{.*?\}//s;
            s/location \/other \{.*?\}//s;
        }
    );
    reload_and_wait($nginx);
    is(ask($nginx, $foreign, '/other')->{status}, 401, 'provider: removed');
    is_everywhere($nginx, $token, 200, 'provider: the first one still');
    is(fetches(), $n, 'provider: not fetched again');

    # ... and comes back, to be fetched anew.
    rewrite_conf($nginx, sub { $_ = $with });
    reload_and_wait($nginx);
    is(ask($nginx, $foreign, '/other')->{status}, 200, 'provider: is back');
    is(fetches($other), ++$others, 'provider: and fetched');

    # The first one moves: its old keys are nobody's.
    rewrite_conf($nginx,
        sub { s/api \Q$PARA_URL\E;\s*audience \S+;/api $first; audience any;/ }
    );
    reload_and_wait($nginx);
    is_everywhere($nginx, $foreign, 200, 'provider: has moved');
    is(fetches($other), $others, 'provider: to a set that was there');
    is_everywhere($nginx, $token, 401, 'provider: and forgotten its keys');
    is_healthy($nginx, 'provider');
    $nginx->stop;
}


# ---- Workers that die ------------------------------------------------------

# The workers that have a connection to a port, as whoever fetches has.
sub connected {
    my ($nginx, $port) = @_;

    my $remote = sprintf '0100007F:%04X', $port;
    my %inode;
    for (split /\n/, slurp('/proc/net/tcp')) {
        my @field = split;
        $inode{"socket:[$field[9]]"} = 1
            if $field[2] eq $remote && $field[3] eq '01';
    }

    return grep {
        my $worker = $_;
        grep { $inode{readlink($_) // ''} } glob "/proc/$worker/fd/*";
    } serving($nginx);
}

for my $round (1 .. 3) {
    my $name = "killed in a fetch, round $round";

    reset_para();
    fault(JWKS, 'hang', times => 1);
    my $nginx = key_gateway(workers => 2, api => $API, @QUIET);
    wait_for_fetches(1);

    my @waiting = map { connect_to($nginx->{spread}) } 1 .. 40;
    send_text($_, request_text('/', headers => bearer($token))) for @waiting;
    sleep 0.1;

    my @holders = connected($nginx, $PORT);
    is(scalar @holders, 1, "$name: one has the lease");
    my ($other) = grep { $_ != $holders[0] } serving($nginx);
    kill 'KILL', @holders;

    my @answers = map { read_answer($_) } @waiting;
    my %by;
    $by{$_->{header}{'x-worker'} // 'none'}{$_->{status}}++ for @answers;
    is_deeply([keys %{$by{$other}}], [200],
        "$name: who waits in the other is served");
    is_deeply([keys %{$by{none}}], [0], "$name: who waited in it is not");
    is_everywhere($nginx, fresh_jwt(), 200, "$name: all know the keys");
    is(fetches(), 2, "$name: of a second fetch");
    is_healthy($nginx, $name, qr/exited on signal 9/);
    $nginx->stop;
}

# With keys and for an unknown one; and all workers at once.
{
    reset_para();
    my $nginx = key_gateway(
        workers  => 2,
        api      => $API,
        refresh  => '1h',
        cooldown => '1h'
    );
    is_everywhere($nginx, $token, 200, 'killed when asked: before');
    para_keys(rotate => 1);
    fault(JWKS, 'hang', times => 1);

    my $new     = fresh_jwt();
    my $n       = fetches();
    my @waiting = map { connect_to($nginx->{spread}) } 1 .. 40;
    send_text($_, request_text('/', headers => bearer($new))) for @waiting;
    wait_for_fetches($n + 1);
    my @holders = connected($nginx, $PORT);
    kill 'KILL', @holders;
    my %count = %{statuses(map { read_answer($_) } @waiting)};
    is_deeply([sort keys %count], [0, 200],
        'killed when asked: the other worker asks again');
    is(fetches(), $n + 2, 'killed when asked: once');

    for my $round (1 .. 3) {
        my @before = serving($nginx);
        para_goes() if $round == 1;
        kill 'KILL', @before;
        ok( wait_until(
                10,
                sub {
                    my %now = map { $_ => 1 } serving($nginx);
                    keys %now == 2 && !grep { $now{$_} } @before;
                }
            ),
            "all killed, round $round: others come"
        );
        is_everywhere($nginx, $new, 200, "all killed, round $round: keys");
        is_everywhere($nginx, fresh_jwt(), 200,
            "all killed, round $round: not by a cache");
    }
    is(fetches(), $n + 2, 'all killed: without a fetch');
    is_healthy($nginx, 'all killed', qr/exited on signal 9/);
    $nginx->stop;
    para_comes();
    reset_para(keys => 1);
}


# ---- One process -----------------------------------------------------------

{
    reset_para();
    fault(JWKS, 'slow', delay_ms => 600, times => 1);
    my $nginx = key_gateway(
        main     => 'master_process off;',
        refresh  => '1h',
        cooldown => '300ms',
        state    => "$PARA_DIR/single"
    );

    my @texts =
        (request_text('/', headers => bearer($token), close => 1)) x 40;
    is_deeply(statuses(burst($nginx->{spread}, \@texts)),
        {200 => 40}, 'one process: they wait, and pass');
    is(fetches(), 1, 'one process: of one fetch');
    ok(wait_until(5, sub { -f file_in("$PARA_DIR/single") }),
        'one process: it is kept');

    para_keys(rotate => 1);
    is(ask($nginx, fresh_jwt())->{status}, 200, 'one process: a new key');
    is(fetches(), 2, 'one process: of a second fetch');

    # nginx without a master serves nobody any more after a reload, with us or
    # without; but it must not crash, and must end.
    fault(JWKS, 'slow', delay_ms => 300);
    for (1 .. 3) {
        $nginx->reload;
        sleep 0.5;
    }
    ok($nginx->is_running, 'one process: a reload does no harm');
    unlike($nginx->error_log, qr/\[emerg\]|exited on signal/,
        'one process: nothing broke');
    $nginx->{process}->signal('QUIT');
    ok(wait_until(5, sub { !$nginx->is_running }), 'one process: it ends');
    is($nginx->{process}{status}, 0, 'one process: as it should');
    reset_para(keys => 1);
}

# It ends in the middle of a fetch, too.
{
    reset_para();
    fault(JWKS, 'hang');
    my $nginx = key_gateway(main => 'master_process off;', @QUIET);
    wait_for_fetches(1);
    $nginx->{process}->signal('QUIT');
    ok(wait_until(5, sub { !$nginx->is_running }),
        'one process: ends in a fetch');
    is($nginx->{process}{status}, 0, 'one process: as it should');
    is_healthy($nginx, 'one process');
}

done_testing();
