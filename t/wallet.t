#!/usr/bin/perl

# Wallets: who has one, who has that one, and whom Para's word helps; what is
# asked of Para, how often, and what of the client's text gets there.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP    ();
use Time::HiRes qw(sleep);

use constant {
    WALLETS  => '/wallets/verify',
    TOUCH    => '/touch',
    MANY     => 30,
    SLOW     => 500,                 # ms
    LIMIT    => 20,                  # calls a minute for one JWT
    LONG     => 1024,
    LONGEST  => 256,                 # bytes of an address
};

my $JSON = JSON::PP->new->utf8->canonical;

# Those of demo/lib/ParaDemo/Users.pm.
my %WALLET;
for my $user (qw(alice bob carol dave)) {
    my $record = login($user)->{user};
    $WALLET{$user}{$_->{type}} = $_ for @{$record->{wallets}};
    $WALLET{$user}{connected} = $record->{connectedWallets}[0];
}

my ($EVM, $SOLANA) = map { $WALLET{alice}{$_}{address} } qw(EVM SOLANA);
my $BOBS = $WALLET{bob}{EVM}{address};
my $MIXED = join '', '0x',
    map { $_ % 2 ? uc substr $EVM, $_, 1 : substr $EVM, $_, 1 }
    2 .. length($EVM) - 1;

my $SERVER = <<"CONF";
        para_auth app;
        add_header X-Cache \$para_auth_cache always;
        add_header X-Status \$para_auth_status always;
        location / { proxy_pass $APP_URL; }
        location /any { para_auth_require_wallet; proxy_pass $APP_URL; }
        location /evm {
            para_auth_require_wallet type=EVM;
            proxy_pass $APP_URL;
        }
        location /cosmos {
            para_auth_require_wallet type=cosmos;
            proxy_pass $APP_URL;
        }
        location /own {
            para_auth_require_wallet \$arg_a;
            proxy_pass $APP_URL;
        }
        location /own-evm {
            para_auth_require_wallet \$arg_a type=EVM;
            proxy_pass $APP_URL;
        }
        location ~ ^/path/(?<address>[^/]+) {
            para_auth_require_wallet \$address;
            proxy_pass $APP_URL;
        }
        location /header {
            para_auth_require_wallet \$http_x_wallet;
            proxy_pass $APP_URL;
        }
        location /session-token {
            para_auth_require_wallet \$http_x_para_session;
            proxy_pass $APP_URL;
        }
        location /both {
            para_auth_require_wallet type=EVM \$arg_a;
            para_auth_require_wallet type=SOLANA \$arg_b;
            proxy_pass $APP_URL;

            location /both/in { proxy_pass $APP_URL; }
            location /both/less {
                para_auth_require_wallet type=EVM;
                proxy_pass $APP_URL;
            }
            location /both/other {
                para_auth app jwt;
                proxy_pass $APP_URL;
            }
        }
        location /limited {
            proxy_pass $APP_URL;
            limit_except GET {
                para_auth_require_wallet type=EVM \$arg_a;
                para_auth_verify_wallet off;
                proxy_pass $APP_URL;
            }
        }
        location /jwt {
            para_auth app jwt;
            para_auth_require_wallet \$arg_a;
            para_auth_verify_wallet on;
            proxy_pass $APP_URL;
        }
        location /verify {
            para_auth_require_wallet \$arg_a;
            para_auth_verify_wallet on;
            proxy_pass $APP_URL;

            location /verify/evm {
                para_auth_require_wallet type=EVM \$arg_a;
                proxy_pass $APP_URL;
            }
            location /verify/off {
                para_auth_verify_wallet off;
                proxy_pass $APP_URL;
            }
            location /verify/both {
                para_auth_require_wallet \$arg_a;
                para_auth_require_wallet \$arg_b;
                proxy_pass $APP_URL;
            }
            location /verify/none {
                para_auth_require_wallet \$arg_a;
                para_auth_require_wallet \$arg_b;
                para_auth_session_cache valid=0 negative=0;
                proxy_pass $APP_URL;
            }
            location /verify/fresh {
                para_auth_session_cache valid=0 negative=0;
                proxy_pass $APP_URL;
            }
            location /verify/negative {
                para_auth_session_cache valid=0 negative=60s;
                proxy_pass $APP_URL;
            }
            location /verify/time {
                para_auth_require_wallet \$msec;
                proxy_pass $APP_URL;
            }
            location /verify/header {
                para_auth_require_wallet \$http_x_wallet;
                proxy_pass $APP_URL;
            }
            location /verify/short {
                para_auth_session_cache valid=1s negative=1s refresh=on;
                proxy_pass $APP_URL;
            }
        }
        location /session {
            para_auth app session;
            proxy_pass $APP_URL;

            location /session/evm {
                para_auth_require_wallet type=EVM;
                proxy_pass $APP_URL;
            }
            location /session/own {
                para_auth_require_wallet type=SOLANA \$arg_a;
                para_auth_verify_wallet on;
                proxy_pass $APP_URL;
            }
        }
        location /page {
            error_page 403 = /sorry;
            para_auth_require_wallet \$arg_a;
            proxy_pass $APP_URL;
        }
        location = /sorry { para_auth off; return 200 "sorry\\n"; }
        location /again {
            error_page 404 = /own?a=\$arg_a;
            root /nowhere;
        }
        location /from {
            para_auth_require_wallet \$arg_a;
            error_page 404 = /own?a=\$arg_b;
            root /nowhere;
        }
        location /ssi {
            ssi on;
            ssi_types *;
            root $PARA_DIR/www;
        }
        location /open { para_auth off; return 200 "open\\n"; }
CONF

# Options: server, edit (of the wallets location), provider, and those of
# start_nginx().
sub options {
    my (%options) = @_;

    my $server   = delete $options{server}   // $SERVER;
    my $provider = delete $options{provider} // "public_key $PARA_PUBLIC_KEY;";
    my $wallets  = delete $options{wallets}  // wallets_location();
    my @more     = ref $wallets ? @$wallets : $wallets;

    $options{http} //= http_config(provider => $provider);

    return (%options, server => join "\n",
        'large_client_header_buffers 4 32k;', $server, verify_location(),
        touch_location(), @more);
}

sub gateway { return start_nginx(options(@_)) }

# A login whose JWT has the wallets, but not the addresses of some types.
sub without_address {
    my ($user, @types) = @_;

    my $login = login($user);
    my %gone  = map { $_ => 1 } @types;
    my @wallets;
    for my $wallet (@{$login->{user}{wallets}}) {
        my %copy = %$wallet;
        delete $copy{address} if $gone{$copy{type}};
        push @wallets, \%copy;
    }
    $login->{jwt} = para_jwt($login, data => {wallets => \@wallets});

    return $login;
}

# An address that nobody has.
my $serial = 0;
sub nobodys { return sprintf '0x%040x', ++$serial }

sub ask {
    my ($nginx, $login, $path, %options) = @_;
    my $more = delete $options{more};
    return get($nginx->{port}, $path,
        join("\n", credentials($login), $more // ()), %options);
}

sub is_in {
    my ($answer, $login, $name) = @_;
    is($answer->{status}, 200, "$name: let in");
    is($answer->{json}{para}{'X-Para-User-Id'},
        $login->{userId}, "$name: as who it is");
    return;
}

sub is_missing {
    my ($answer, $name) = @_;
    is($answer->{status}, 403, "$name: 403");
    is($answer->{header}{'x-status'}, 'wallet_missing', "$name: the code");
    return;
}

sub is_unavailable {
    my ($answer, $name) = @_;
    is($answer->{status}, 503, "$name: 503");
    is($answer->{header}{'x-status'}, 'para_unavailable', "$name: the code");
    ok($answer->{header}{'retry-after'}, "$name: Retry-After");
    return;
}

# Each twice: the second time the identity comes from the cache.
sub twice_in {
    my ($nginx, $login, $path, $name, %options) = @_;
    for my $time (qw(first again)) {
        is_in(ask($nginx, $login, $path, %options), $login, "$name, $time");
    }
    return;
}

sub twice_missing {
    my ($nginx, $login, $path, $name, %options) = @_;
    for my $time (qw(first again)) {
        is_missing(ask($nginx, $login, $path, %options), "$name, $time");
    }
    return;
}

mkdir "$PARA_DIR/www";
mkdir "$PARA_DIR/www/ssi";
put_file('www/ssi/own.html',
    qq{<!--# include virtual="/own?a=$EVM" -->});
put_file('www/ssi/bobs.html',
    qq{<!--# include virtual="/own?a=$BOBS" -->});
put_file('www/ssi/verify.html',
    qq{<!--# include virtual="/verify?a=$EVM" -->});
put_file('www/ssi/verify-bobs.html',
    qq{<!--# include virtual="/verify?a=$BOBS" -->});

my $main  = gateway();
my %login = map { $_ => login($_) } qw(alice bob carol dave);


# ---- What the JWT says ----------------------------------------------------

reset_all();

for my $case (
    ['alice', '/any',                    1, 'any wallet'],
    ['carol', '/any',                    1, 'any wallet of Carol'],
    ['alice', '/evm',                    1, 'a type'],
    ['carol', '/evm',                    0, 'a type that she has not'],
    ['carol', '/cosmos',                 1, 'a type in another case'],
    ['alice', '/cosmos',                 0, 'a type that others have'],
    ['alice', "/own?a=$EVM",             1, 'own address'],
    ['alice', "/own?a=$MIXED",           1, 'own EVM address in mixed case'],
    ['alice', '/own?a=' . uc $EVM,       0, 'own EVM address with 0X'],
    ['alice', "/own?a=$SOLANA",          1, 'own SOLANA address'],
    ['alice', '/own?a=' . lc $SOLANA,    0, 'own SOLANA address in lower case'],
    ['alice', "/own?a=$BOBS",            0, 'Bob\'s address'],
    ['bob',   "/own?a=$BOBS",            1, 'Bob with his own'],
    ['alice', '/own?a=',                 0, 'empty'],
    ['alice', '/own',                    0, 'no argument'],
    ['alice', "/own?b=$EVM",             0, 'another argument'],
    ['alice', "/own?a=EVM:$EVM",         0, 'with its type'],
    ['alice', "/own?a=$EVM,$SOLANA",     0, 'two'],
    ['alice', '/own?a=' . substr($EVM, 0, -1), 0, 'one too short'],
    ['alice', "/own?a=${EVM}0",          0, 'one too long'],
    ['alice', "/own?a=%$EVM",            0, 'a percent sign'],
    ['alice', '/own?a=' . $WALLET{alice}{EVM}{id}, 0, 'an id'],
    ['alice', "/own-evm?a=$EVM",         1, 'type and address'],
    ['alice', "/own-evm?a=$SOLANA",      0, 'address of another type'],
    ['alice', "/path/$EVM",              1, 'address in the path'],
    ['alice', "/path/$BOBS",             0, 'Bob\'s in the path'],
    ['alice', "/own?a=$BOBS&a=$EVM",     0, 'the first counts'],
    ['alice', '/session-token',          0, 'a credential is no address'],
    ['dave',  '/any',                    0, 'connected wallets do not count'],
    ['dave',  '/evm',                    0, 'nor by their type'],
    ['dave', '/own?a=' . $WALLET{dave}{connected}{address},
        0, 'nor by their address'],
    ['alice', "/both?a=$EVM&b=$SOLANA",    1, 'two wallets'],
    ['alice', "/both?a=$EVM",              0, 'the second is missing'],
    ['alice', "/both?b=$SOLANA",           0, 'the first is missing'],
    ['alice', "/both?a=$SOLANA&b=$EVM",    0, 'the wrong way round'],
    ['alice', "/both?a=$BOBS&b=$SOLANA",   0, 'one is Bob\'s'],
    ['alice', "/both/in?a=$EVM&b=$SOLANA", 1, 'inherited: both'],
    ['alice', "/both/in?a=$EVM",           0, 'inherited: one'],
    ['alice', '/both/less',                1, 'replaced'],
    ['alice', "/both/other?a=$EVM",        0, 'another para_auth: inherited'],
    )
{
    my ($user, $path, $good, $name) = @$case;
    my $check = $good ? \&twice_in : \&twice_missing;
    $check->($main, $login{$user}, $path, $name);
}

for my $case ([$EVM, 1, 'own'], [$BOBS, 0, 'Bob\'s'], ['', 0, 'empty']) {
    my ($value, $good, $name) = @$case;
    my $check = $good ? \&twice_in : \&twice_missing;
    $check->($main, $login{alice}, '/header', "in a header, $name",
        more => "X-Wallet: $value");
}
twice_missing($main, $login{alice}, '/header', 'no header');

is(para_calls(WALLETS), 0, 'nothing was asked of Para');

# A challenge that says so, and no call for who has no good credentials.
{
    my $answer = ask($main, $login{alice}, "/own?a=$BOBS");
    like($answer->{header}{'www-authenticate'},
        qr/error="insufficient_scope"/, 'insufficient_scope');
    like(new_log($main), qr/code wallet_missing, reason wallet_missing/,
        'the reason in the log');
}

is(get($main->{port}, "/own?a=$EVM", '')->{status}, 401, 'no credentials');
is( get($main->{port}, "/own?a=$BOBS",
        join "\n",
        bearer($login{bob}{jwt}),
        credentials($login{alice}, 'session'))->{status},
    401,
    'Bob\'s JWT with Alice\'s session'
);

# Methods and bodies.
for my $method (qw(HEAD POST PUT DELETE)) {
    my @body = $method eq 'HEAD' ? () : (body => 'x' x 70_000);
    my $answer =
        ask($main, $login{alice}, "/own?a=$EVM", method => $method, @body);
    is($answer->{status}, 200, "$method: let in");
    is($answer->{json}{body_length}, 70_000, "$method: with its body")
        if @body;
    is_missing(
        ask($main, $login{alice}, "/own?a=$BOBS", method => $method, @body),
        $method);
}

is_in(ask($main, $login{alice}, "/limited?a=$BOBS"),
    $login{alice}, 'limit_except: GET');
is_missing(ask($main, $login{alice}, "/limited?a=$BOBS", method => 'POST'),
    'limit_except: POST, Bob\'s');
is_in(ask($main, $login{alice}, "/limited?a=$EVM", method => 'POST'),
    $login{alice}, 'limit_except: POST, own');

# Pages and redirects.
is(ask($main, $login{alice}, "/page?a=$BOBS")->{body},
    "sorry\n", 'error_page');
is_in(ask($main, $login{alice}, "/page?a=$EVM"), $login{alice}, 'no page');
is_in(ask($main, $login{alice}, "/again?a=$EVM"),
    $login{alice}, 'redirected to where a wallet is needed');
is_missing(ask($main, $login{alice}, "/again?a=$BOBS"),
    'redirected there with Bob\'s');

is_in(ask($main, $login{alice}, "/from?a=$EVM&b=$SOLANA"),
    $login{alice}, 'redirected from a wallet to another one');
is_missing(ask($main, $login{alice}, "/from?a=$EVM&b=$BOBS"),
    'redirected from an own wallet to Bob\'s');

# Subrequests are held to what their own location needs.
{
    new_log($main);
    like(ask($main, $login{alice}, '/ssi/own.html')->{body},
        qr/X-Para-User-Id/, 'subrequest with an own address');
    my $answer = ask($main, $login{alice}, '/ssi/bobs.html');
    unlike($answer->{body}, qr/X-Para-User-Id/, 'subrequest with Bob\'s');
    like(new_log($main), qr/subrequest "\/own" refused, reason wallet_missing/,
        'subrequest: the log says why');
}


# ---- What Para says -------------------------------------------------------

reset_all();

# Known to be a user's own only by the id.
for my $path ('/verify', '/verify/evm', '/jwt') {
    my $login = without_address('alice', 'EVM');
    my $cold = $path eq '/verify' ? 1 : 0;
    reset_all();

    twice_in($main, $login, "$path?a=$EVM", "$path, by the id");
    twice_in($main, $login, "$path?a=$MIXED", "$path, in mixed case");
    is(para_calls(WALLETS), $cold, "$path: asked once");

    if ($cold) {
        my ($call) = para_requests(WALLETS);
        is($call->{method}, 'POST', "$path: POST");
        is_deeply($JSON->decode($call->{body}),
            {address => $EVM}, "$path: the address is asked");
        is($call->{header}{'content-type'}, 'application/json',
            "$path: as JSON");
        like($call->{header}{'x-external-api-key'}, qr/\Asec/,
            "$path: with the secret key");
        is(scalar(grep { lc $_->[0] eq 'authorization' }
                @{$call->{headers}}), 0, "$path: no credential of the user");
    }
}

# The same answer is no good to another.
{
    my $alice = without_address('alice', 'EVM');
    my $bob   = login('bob');
    reset_all();
    twice_missing($main, $bob, "/verify?a=$EVM", 'Bob with Alice\'s');
    twice_missing($main, $alice, "/verify?a=$BOBS", 'Alice with Bob\'s');
    is(para_calls(WALLETS), 1, 'one call, for Bob\'s address');
    is_deeply(
        [map { $_->{status} } para_requests(WALLETS)],
        [200],
        'which Para knows'
    );
    is_in(ask($main, $alice, "/verify?a=$EVM"), $alice, 'Alice with hers');
    twice_missing($main, $alice, "/verify/off?a=$EVM", 'verify off again');
    twice_missing($main, login('dave'),
        '/verify?a=' . $WALLET{dave}{connected}{address},
        'a connected wallet');
}

# Of the right type too, and only where he has ids of that type.
{
    my $alice = without_address('alice', 'EVM', 'SOLANA');
    reset_all();
    twice_in($main, $alice, "/verify?a=$SOLANA", 'SOLANA of any type');
    twice_missing($main, $alice, "/verify/evm?a=$SOLANA", 'SOLANA as EVM');
    is(para_calls(WALLETS), 1, 'asked once for both');
    twice_missing($main, $login{carol}, '/verify/evm?a=' . nobodys(),
        'Carol has no ids of EVM');
    is(para_calls(WALLETS), 1, 'which is not asked');
    twice_missing($main, $alice, '/verify?a=' . lc $SOLANA,
        'SOLANA in lower case');
}

# Nobody's.
{
    my $alice = login('alice');
    my $none  = nobodys();
    reset_all();
    twice_missing($main, $alice, "/verify?a=$none", 'nobody\'s');
    twice_missing($main, login('bob'), '/verify?a=' . uc($none) =~ s/^0X/0x/r,
        'nobody\'s, for Bob');
    is(para_calls(WALLETS), 1, 'nobody\'s: asked once for all');
    is(lines_like(qr/\[error\]/, new_log($main)), 0, 'nobody\'s is no error');
}

# Exported sessions: /touch says which wallets there are.
{
    my $login = login('alice');
    my $only  = para_jwt($login,
        data => {wallets => [$WALLET{alice}{EVM}]});
    my $export = "X-Para-Session: $login->{exportedSession}";
    my $nginx  = gateway();
    reset_all();

    my $try = sub {
        my ($path, @jwt) = @_;
        return get($nginx->{port}, $path, join "\n", $export, @jwt);
    };

    for (1 .. 2) {
        is_in($try->("/verify?a=$SOLANA", bearer($only)),
            $login, 'id of /touch beside a JWT');
        is_in($try->('/session/evm'), $login, 'type of /touch alone');
        is_in($try->("/session/own?a=$SOLANA"), $login, 'id of /touch alone');
        is_missing($try->("/session/own?a=$EVM"), 'another type');
    }
    is(para_calls(WALLETS), 2, 'exported: two calls');
    is(para_calls(TOUCH),   1, 'exported: one for the session');

    # A verification token says nothing of wallets.
    is_missing(
        get($nginx->{port}, '/session/evm', credentials($login, 'session')),
        'a verification token alone');
}

# Several, one after the other, and without a cache.
{
    my $alice = without_address('alice', 'EVM', 'SOLANA');
    reset_all();
    my $nginx = gateway();
    is_in(ask($nginx, $alice, "/verify/both?a=$EVM&b=$SOLANA"),
        $alice, 'two to ask');
    is(para_calls(WALLETS), 2, 'two calls');
    is_in(ask($nginx, $alice, "/verify/both?a=$EVM&b=$SOLANA"),
        $alice, 'two, known');
    is_missing(ask($nginx, $alice, "/verify/both?a=$EVM&b=$BOBS"),
        'the second is Bob\'s');
    is_missing(ask($nginx, $alice, "/verify/both?a=$EVM"),
        'the second is empty');
    reset_all();
    is_in(ask($nginx, $alice, "/verify/none?a=$EVM&b=$SOLANA"),
        $alice, 'two without a cache');
    is(para_calls(WALLETS), 2, 'without a cache: two calls');
    is_in(
        ask($nginx, $alice, "/verify/none?a=$EVM&b=$SOLANA",
            method => 'POST', body => 'y' x 70_000),
        $alice,
        'two without a cache, with a body'
    );
    is(ask($nginx, $alice, "/verify/none?a=$EVM&b=$SOLANA", method => 'HEAD')
            ->{status}, 200, 'two without a cache, HEAD');
    is(lines_like(qr/\[(?:error|alert|crit|emerg)\]/, $nginx->error_log),
        0, 'and a good log');
}

# A variable that says something else each time is looked at once.
{
    my $alice = without_address('alice', 'EVM');
    reset_all();
    fault(WALLETS, 'slow', delay_ms => SLOW, times => 1);
    is_missing(ask($main, $alice, '/verify/time'), 'a variable that changes');
    is(para_calls(WALLETS), 1, 'a variable that changes: one call');
}

# It ends, and is asked for again.
{
    my $alice = without_address('alice', 'EVM');
    reset_all();
    my $nginx = gateway();
    is_in(ask($nginx, $alice, "/verify/short?a=$EVM"), $alice, 'for 1 s');
    sleep 1.3;
    is_in(ask($nginx, $alice, "/verify/short?a=$EVM"), $alice, 'after it');
    is(para_calls(WALLETS), 2, 'asked again');
}

# Nobody's is a refusal, and kept as long as one.
{
    my $alice = without_address('alice', 'EVM');
    my $none  = nobodys();
    my $nginx = gateway();
    reset_all();
    twice_in($nginx, $alice, "/verify/negative?a=$EVM", 'valid=0');
    is(para_calls(WALLETS), 2, 'valid=0: asked each time');
    twice_missing($nginx, $alice, "/verify/negative?a=$none", 'negative=60s');
    is(para_calls(WALLETS), 3, 'negative=60s: asked once');
    twice_missing($nginx, $alice, "/verify/fresh?a=$none", 'negative=0');
    is(para_calls(WALLETS), 5, 'negative=0: asked each time');
}

# Subrequests: what Para has said already.
{
    my $alice = without_address('alice', 'EVM');
    reset_all();
    my $nginx = gateway();
    unlike(ask($nginx, $alice, '/ssi/verify.html')->{body},
        qr/X-Para-User-Id/, 'subrequest: not known yet');
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice, 'now it is');
    like(ask($nginx, $alice, '/ssi/verify.html')->{body},
        qr/X-Para-User-Id/, 'subrequest: known');
    is_missing(ask($nginx, $alice, "/verify?a=$BOBS"), 'Bob\'s is known too');
    unlike(ask($nginx, $alice, '/ssi/verify-bobs.html')->{body},
        qr/X-Para-User-Id/, 'subrequest: Bob\'s');
}


# ---- One call for many ----------------------------------------------------

for my $workers (1, 2) {
    my $alice = without_address('alice', 'EVM');
    my $nginx = gateway(workers => $workers);
    reset_all();
    fault(WALLETS, 'slow', delay_ms => SLOW, times => MANY);

    my $text = request_text(
        "/verify?a=$EVM",
        headers => credentials($alice),
        close   => 1
    );
    my @answers = burst($nginx->{port}, [($text) x MANY]);
    is(scalar(grep { $_->{status} == 200 } @answers),
        MANY, "$workers workers: all are let in");
    is(para_calls(WALLETS), 1, "$workers workers: one call");

    # Another's question is the same, his answer is not.
    my $bob = login('bob');
    my $none = nobodys();
    my @texts = map { request_text("/verify?a=$none",
            headers => credentials($_), close => 1) } ($alice, $bob) x 10;
    fault(WALLETS, 'slow', delay_ms => SLOW, times => MANY);
    @answers = burst($nginx->{port}, \@texts);
    is(scalar(grep { $_->{status} == 403 } @answers),
        @texts, "$workers workers: nobody's for two users");
    is(para_calls(WALLETS), 2, "$workers workers: one more call");
}

# Not more than a JWT may cause, and only by it.
{
    my $alice = login('alice');
    my $nginx = gateway();
    reset_all();
    ask($nginx, $alice, '/');
    my %count;
    $count{ask($nginx, $alice, '/verify?a=' . nobodys())->{status}}++
        for 1 .. LIMIT + 2;
    is_deeply(\%count, {403 => LIMIT - 1, 503 => 3}, 'limited');
    is(para_calls(WALLETS), LIMIT - 1, 'limited: calls, one was the session');
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice,
        'limited: what needs no call');
    is_missing(ask($nginx, login('bob'), '/verify?a=' . nobodys()),
        'limited: another user is not');
}


# ---- Para is not well -----------------------------------------------------

# Any of these, and the next one who asks gets an answer.
{
    my $nginx = gateway();

    for my $fault (
        qw(500 429 503 400 close reset garbage html bad_json empty redirect
        truncated truncated_chunked endless huge_header oversized wrong_types)
        )
    {
        my $alice = without_address('alice', 'EVM');
        reset_all();
        fault(WALLETS, $fault);
        is_unavailable(ask($nginx, $alice, "/verify/fresh?a=$EVM"), $fault);
        is(app_count(), 0, "$fault: nothing at the app");
        is_in(ask($nginx, $alice, '/'), $alice, "$fault: elsewhere");

        fault(WALLETS, 'off');
        sleep 1.1 if $fault =~ /\A(?:429|503)\z/;
        is_in(ask($nginx, $alice, "/verify/fresh?a=$EVM"),
            $alice, "$fault: over");
    }

    # 404 is an answer, whatever comes with it.
    my $alice = without_address('alice', 'EVM');
    fault(WALLETS, '404', times => 1);
    is_missing(ask($nginx, $alice, "/verify/fresh?a=$EVM"), '404');
}

# Our key is wrong: that is the operator's to mend, and he is told.
for my $status (401, 403) {
    my $nginx = gateway();
    my $alice = without_address('alice', 'EVM');
    reset_all();
    fault(WALLETS, $status);
    is_unavailable(ask($nginx, $alice, "/verify?a=$EVM"), $status);
    is_unavailable(ask($nginx, $alice, "/verify?a=$EVM"), "$status, again");
    is(lines_like(qr/\[error\].*refuses the secret API key \($status\)/,
            new_log($nginx)), 1, "$status: one error line");
    fault(WALLETS, 'off');
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice, "$status: over");
}

# A bad answer is kept for nobody, a good one is there while Para is away.
{
    my $nginx = gateway();
    my $alice = without_address('alice', 'EVM', 'SOLANA');
    reset_all();
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice, 'known before');
    fault(WALLETS, 'hang');
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice, 'Para hangs: known');
    is_unavailable(ask($nginx, $alice, "/verify?a=$SOLANA"),
        'Para hangs: unknown');
    is_missing(ask($nginx, $alice, '/verify?a='),
        'Para hangs: what needs no call');
    fault(WALLETS, 'off');
    is_in(ask($nginx, $alice, "/verify?a=$SOLANA"), $alice, 'Para is back');
}

# It fails fast when Para is down.
{
    my $nginx = gateway();
    my $alice = without_address('alice', 'EVM');
    reset_all();
    is_in(ask($nginx, $alice, '/'), $alice, 'before Para is down');
    fault(WALLETS, '500');
    is_unavailable(ask($nginx, $alice, "/verify?a=$EVM"), 'Para is down')
        for 1 .. 10;
    is(para_calls(WALLETS), 5, 'Para is down: it is left alone');
    like(new_log($nginx), qr/\[error\].*Para is taken for down/,
        'Para is down: the log says so');

    my $bob = login('bob');
    is_in(ask($nginx, $bob, '/'), $bob, 'Para is down: not for sessions');
}

# What Para says of a client's odd text does not make it down for others.
for my $status (400, 422) {
    my $nginx = gateway();
    my $mallory = login('alice');
    reset_all();
    fault(WALLETS, $status);
    is_unavailable(ask($nginx, $mallory, "/verify?a=odd$_"),
        "odd text, $status")
        for 1 .. 10;
    is(para_calls(WALLETS), 10, "odd text, $status: asked each time");
    is(lines_like(qr/\[error\]/, new_log($nginx)), 1,
        "odd text, $status: one error line");

    fault(WALLETS, 'off');
    my $alice = without_address('alice', 'EVM');
    is_in(ask($nginx, $alice, "/verify?a=$EVM"), $alice,
        "odd text, $status: others");
}

# The client goes away: those who wait for the same do not.
{
    my $nginx = gateway();
    my $alice = without_address('alice', 'EVM');
    reset_all();
    is_in(ask($nginx, $alice, '/'), $alice, 'before clients go away');
    fault(WALLETS, 'slow', delay_ms => SLOW, times => 1);

    my $text = request_text("/verify?a=$EVM", headers => credentials($alice));
    my @sockets = map { connect_to($nginx->{port}) } 1 .. 3;
    for my $socket (@sockets) {
        send_text($socket, $text);
        wait_until(5, sub { para_calls(WALLETS) == 1 });
    }
    abort_connection($sockets[0]);
    is_in(read_answer($sockets[$_]), $alice, "waiter $_") for 1, 2;
    is(lines_like(qr/\[(?:alert|crit|emerg)\]/, $nginx->error_log),
        0, 'waiters: a good log');
}


# ---- What of the client's text gets to Para -------------------------------

{
    my %nginx;
    my @odd = (
        [1, 'quotes',             'a"b'],
        [1, 'a quote',            '"'],
        [1, 'JSON',               qq{","address":"$EVM"}],
        [1, 'an object',          '{"address":"x"}'],
        [1, 'a backslash',        'a\\'],
        [1, 'an escape',          '\\u0022'],
        [1, 'percent',            '%22%00'],
        [1, 'a comma',            'a,b'],
        [1, 'a colon',            "EVM:$EVM"],
        [1, 'markup',             '<script>'],
        [1, 'the longest',        'x' x LONGEST],
        [0, 'one longer',         'x' x (LONGEST + 1)],
        [0, 'a long one',         'x' x LONG],
        [0, 'a long one of quotes', '"' x LONG],
        [0, 'a space',            'a b'],
        [0, 'a tab',              "a\tb"],
        [0, 'a high byte',        "a\xffb"],
        [0, 'UTF-8',              "\xc3\xa9"],
        [0, 'DEL',                "a\x7fb"],
        [0, 'a control byte',     "a\x01b"],
    );

    for my $case (@odd) {
        my ($asked, $name, $value) = @$case;
        my $nginx = $nginx{x} //= gateway();
        my $alice = login('alice');
        reset_all();

        my $answer = ask($nginx, $alice, '/verify/header',
            more => "X-Wallet: $value");

        # nginx refuses some of them itself.
        if ($answer->{status} == 400 && !$asked) {
            pass("$name: refused by nginx");
        }
        else {
            is_missing($answer, $name);
        }

        is(para_calls(WALLETS), $asked, "$name: asked $asked times");
        for my $call (para_requests(WALLETS)) {
            is_deeply($JSON->decode($call->{body}),
                {address => $value}, "$name: as one JSON text");
        }
        is(app_count(), 0, "$name: nothing at the app");
    }

    is(lines_like(qr/\[(?:error|alert|crit|emerg)\]/, $nginx{x}->error_log),
        0, 'odd addresses: a good log');
}


# ---- nginx -t -------------------------------------------------------------

sub checks {
    my ($name, $good, $pattern, %options) = @_;

    nginx_says($name, $good, $pattern,
        delete $options{bare} ? %options : options(%options));
    return;
}

my $OK    = qr/syntax is ok/;
my $OPEN  = 'location / { return 200; }';

checks('all of it', 1, $OK);
checks('the empty type', 0,
    qr/invalid wallet type in "type=", write one as "type=EVM"/,
    server => "para_auth app; para_auth_require_wallet type=; $OPEN");
checks("the type $_", 0, qr/invalid wallet type in "type=\Q$_\E"/,
    server => "para_auth app; para_auth_require_wallet 'type=$_'; $OPEN")
    for 'EVM,SOLANA', 'E VM', '$arg_type', 'EVM:';
checks("the parameter \"$_\"", 0, qr/invalid parameter "\Q$_\E"/,
    server => "para_auth app; para_auth_require_wallet '$_'; $OPEN")
    for 'EVM', '0x12', '$', '', '$arg_a$arg_b', '${arg_a}', 'Type=EVM', 'off';
checks('an unknown variable', 0, qr/unknown "nothing" variable/,
    server => "para_auth app; para_auth_require_wallet \$nothing; $OPEN");
checks('two types', 0, qr/has two types/,
    server => "para_auth app; para_auth_require_wallet type=A type=B; $OPEN");
checks('two variables', 0, qr/names two variables/,
    server =>
        "para_auth app; para_auth_require_wallet \$arg_a \$arg_b; $OPEN");
checks('three parameters', 0, qr/invalid number of arguments/,
    server => 'para_auth app; para_auth_require_wallet '
        . "type=A \$arg_a \$arg_b; $OPEN");
checks('a wallet without para_auth', 0,
    qr/para_auth_require_wallet in \S+:\d+ protects nothing/,
    server => "para_auth_require_wallet; $OPEN");
checks('a wallet where para_auth is off', 0, qr/protects nothing/,
    server => 'para_auth app; location / '
        . '{ para_auth off; para_auth_require_wallet; return 200; }');
checks('a wallet without any provider', 0, qr/protects nothing/,
    bare   => 1,
    http   => '',
    server => "para_auth_require_wallet; $OPEN");
checks('a wallet above para_auth', 1, $OK,
    server => 'para_auth_require_wallet; location / '
        . '{ para_auth app; return 200; }');

# Where nobody could pass, whatever he has.
my $OWN = 'issuer own { algorithms HS256; hmac_key_file '
    . put_file('nobody.key', 'k' x 8 . join('', 'a' .. 'x'), oct '0600')
    . '; iss own; }';
my $NOBODY = qr/require_wallet in \S+:\d+ lets nobody in .* "claim wallets path;"/;

checks('wallets of JWTs that have none', 0, $NOBODY,
    bare   => 1,
    http   => http_config(provider => $OWN),
    server => 'para_auth app jwt; para_auth_require_wallet type=EVM; ' . $OPEN);
checks('... of which they say where', 1, $OK,
    bare => 1,
    http => http_config(
        provider => $OWN =~ s/iss own;/iss own; claim wallets w;/r),
    server => 'para_auth app jwt; para_auth_require_wallet type=EVM; ' . $OPEN);
checks('... of verification tokens', 0, $NOBODY,
    server => 'para_auth app session; para_auth_session_type token; '
        . "para_auth_require_wallet; $OPEN");
checks('... of exported sessions, which have types', 1, $OK,
    server => "para_auth app session; para_auth_require_wallet; $OPEN");
checks('... and no addresses', 0, qr/and write "para_auth_verify_wallet on;"/,
    server => "para_auth app session; para_auth_require_wallet \$arg_a; $OPEN");

checks('verify without a wallet', 0,
    qr/para_auth_verify_wallet in \S+:\d+ has nothing to verify/,
    server => "para_auth app; para_auth_verify_wallet on; $OPEN");
checks('verify without a variable', 0, qr/has nothing to verify/,
    server => 'para_auth app; para_auth_verify_wallet on; '
        . "para_auth_require_wallet type=EVM; $OPEN");
checks('verify, one with a variable', 1, $OK,
    server => 'para_auth app; para_auth_verify_wallet on; '
        . 'location / { return 200; } '
        . 'location /a { para_auth_require_wallet $arg_a; return 200; }');
checks('verify off needs nothing', 1, $OK,
    server => "para_auth app; para_auth_verify_wallet off; $OPEN");
checks('verify twice', 0, qr/is duplicate/,
    server => 'para_auth app; para_auth_verify_wallet on; '
        . "para_auth_verify_wallet on; $OPEN");
checks('verify maybe', 0, qr/takes "on" or "off"/,
    server => "para_auth app; para_auth_verify_wallet maybe; $OPEN");

my $VERIFY = 'para_auth app; para_auth_verify_wallet on; '
    . "para_auth_require_wallet \$arg_a; $OPEN";
checks('verify without a way', 0,
    qr/has no way to Para for that: include para-auth-wallets\.conf/,
    server => $VERIFY, wallets => []);
checks('verify without a secret key', 0,
    qr/para_auth_verify_wallet in \S+:\d+: provider "app" has no "secret_key_/,
    bare   => 1,
    http   => http_config() =~ s/secret_key_file \S+;//r,
    server => $VERIFY =~ s/app;/app jwt;/r);
checks('verify with the JWT alone', 1, $OK,
    bare   => 1,
    http   => http_config(),
    server => ($VERIFY =~ s/app;/app jwt;/r) . "\n" . wallets_location());

done_testing();
