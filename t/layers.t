# The layers, as the compiler and the linker see them: who may include whom,
# that every header stands alone, what is exported, that config lists every
# file; and that lines are short.

use strict;
use warnings;

use Cwd            qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

my $ROOT = abs_path(dirname(__FILE__) . '/..');
chdir $ROOT or die "$ROOT: $!";

my $NGINX_SRC = '/usr/share/nginx/src/src';
my $NGINX_INC = join ' ', map {"-I$NGINX_SRC/$_"}
    qw(core event event/modules os/unix http http/modules http/v2);

# Adapters do not know each other, but for these: a header list is a value that
# two of them work on, a store is what a cache is made of, a cookie is a
# credential's, a file is read by several, an issuer is part of a provider and
# has keys, keys are fetched, shared, kept in a file and waited for, a call is a
# subrequest that others wait for, an answer is one to a question.
my %ADAPTER_MAY = (
    ngx_para_answer     => [qw(ngx_para_question)],
    ngx_para_await      => [qw(ngx_para_cache_ask ngx_para_flight)],
    ngx_para_cache      => [qw(ngx_para_store)],
    ngx_para_cache_text => [qw(ngx_para_store)],
    ngx_para_cache_ask  => [qw(ngx_para_answer ngx_para_cache
                               ngx_para_cache_limit ngx_para_cache_mark
                               ngx_para_store)],
    ngx_para_cache_limit => [qw(ngx_para_cache_ask ngx_para_cache_mark
                                ngx_para_store)],
    ngx_para_cache_mark => [qw(ngx_para_store)],
    ngx_para_call       => [qw(ngx_para_answer ngx_para_call_state
                               ngx_para_flight ngx_para_subrequest)],
    ngx_para_call_report => [qw(ngx_para_call_state)],
    ngx_para_call_state => [qw(ngx_para_call)],
    ngx_para_credential => [qw(ngx_para_cookies ngx_para_headers)],
    ngx_para_credential_conf => [qw(ngx_para_credential ngx_para_headers)],
    ngx_para_credential_remove => [qw(ngx_para_cookies ngx_para_credential
                               ngx_para_headers)],
    ngx_para_fetch      => [qw(ngx_para_fetch_transfer ngx_para_watch)],
    ngx_para_fetch_conf => [qw(ngx_para_fetch)],
    ngx_para_fetch_transfer => [qw(ngx_para_fetch)],
    ngx_para_inject     => [qw(ngx_para_headers)],
    ngx_para_inject_conf => [qw(ngx_para_headers ngx_para_inject)],
    ngx_para_issuer     => [qw(ngx_para_file ngx_para_keys)],
    ngx_para_issuer_conf => [qw(ngx_para_issuer)],
    ngx_para_keys       => [qw(ngx_para_fetch ngx_para_flight
                               ngx_para_keys_file ngx_para_keys_zone)],
    ngx_para_keys_conf  => [qw(ngx_para_keys ngx_para_keys_file
                               ngx_para_trust)],
    ngx_para_keys_report => [qw(ngx_para_keys)],
    ngx_para_keys_wait  => [qw(ngx_para_keys)],
    ngx_para_provider   => [qw(ngx_para_issuer ngx_para_keys_file
                               ngx_para_revoke)],
    ngx_para_provider_api => [qw(ngx_para_provider)],
    ngx_para_provider_key => [qw(ngx_para_file ngx_para_provider)],
    ngx_para_renew      => [qw(ngx_para_answer ngx_para_cache_ask
                               ngx_para_fetch ngx_para_question)],
    ngx_para_renew_conf => [qw(ngx_para_answer ngx_para_renew
                               ngx_para_trust)],
    ngx_para_revoke     => [qw(ngx_para_revoke_file ngx_para_revoke_zone)],
    ngx_para_trust      => [qw(ngx_para_fetch ngx_para_file)],
    ngx_para_upstream   => [qw(ngx_para_question)],
);

sub includes {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!";
    my @found = map { /^\s*#\s*include\s+([<"][^>"]+[>"])/ ? $1 : () } <$in>;

    return @found;
}

sub unit { return basename($_[0]) =~ s/\.[ch]\z//r }

sub allowed_in_core {
    my ($file, $include) = @_;

    my $c = $file =~ /\.c\z/;

    return 1 if $include =~ /\A"para_\w+\.h"\z/;
    return 1 if $include =~ /\A<(?:std\w+|string|math|limits|ctype)\.h>\z/;
    return $c if $include =~ m{\A<openssl/\w+\.h>\z};
    return unit($file) eq 'para_json' && $c if $include eq '<jansson.h>';
    return 0;
}

sub allowed_in_adapter {
    my ($file, $include) = @_;

    return 1 if $include =~ m{\A"\.\./core/para_\w+\.h"\z};
    return 1
        if $include =~ /\A<(?:ngx_(?:config|core|event|http)|sys\/mman)\.h>\z/;
    return $file =~ m{/ngx_para_fetch\w*\.c\z}
        if $include =~ m{\A<(?:curl/curl|signal)\.h>\z};

    my ($other) = $include =~ /\A"(ngx_para_\w+)\.h"\z/ or return 0;

    return grep { $_ eq $other }
        unit($file), @{$ADAPTER_MAY{unit($file)} // []};
}

sub allowed_in_glue {
    my ($file, $include) = @_;

    return $include !~ /openssl|jansson|curl/;
}

subtest 'who includes whom' => sub {
    for my $file (glob 'src/core/*.[ch]') {
        ok(allowed_in_core($file, $_), "$file: $_") for includes($file);
    }

    for my $file (glob 'src/ngx/*.[ch] ngx_http_para_auth_module.c') {
        my $glue = unit($file) =~ /\Angx_http_para_auth/;
        my $allowed = $glue ? \&allowed_in_glue : \&allowed_in_adapter;
        ok($allowed->($file, $_), "$file: $_") for includes($file);
    }
};

subtest 'every header stands alone' => sub {
    my $cc = 'gcc -fsyntax-only -Wall -Wextra -Werror -x c';
    my $objs = 'build/nginx';

    for my $header (glob 'src/core/*.h') {
        is(system("$cc -std=c11 $header"), 0, $header);
    }

    for my $header (glob 'src/ngx/*.h') {
        is(system("$cc -Wno-unused-parameter -I$objs $NGINX_INC $header"),
            0, $header);
    }
};

subtest 'config lists every file' => sub {
    open my $in, '<', 'config' or die "config: $!";
    my %listed = map { $_ => 1 }
        map { m{^\s+\$ngx_addon_dir/(\S+) \\$} ? $1 : () } <$in>;

    my @files = glob 'ngx_http_para_auth_module.c para_auth.map '
        . 'src/core/*.[ch] src/ngx/*.[ch]';

    is_deeply([sort keys %listed], [sort @files], 'the same files');
};

subtest 'names tell the layer' => sub {
    my %prefix = (
        'build/nginx/addon/core' => qr/\Apara_/,
        'build/nginx/addon/ngx'  => qr/\Angx_(?:para|http_para_auth)_|
                                       \Angx_http_para_auth\z/x,
    );

    for my $dir (sort keys %prefix) {
        my @objects = glob "$dir/*.o";
        ok(scalar @objects, "$dir has objects");

        my @odd = grep { $_ !~ $prefix{$dir} }
            map { (split)[-1] } grep {/\S/ && !/:$/}
            qx(nm --defined-only --extern-only @objects);
        is_deeply(\@odd, [], "global symbols of $dir");
    }
};

subtest 'lines have at most 80 columns' => sub {
    my @files = glob '*.c src/*/*.[ch] t/*/*.[ch] bench/*.[ch]';
    my @long;

    for my $file (@files) {
        open my $in, '<:encoding(UTF-8)', $file or die "$file: $!";
        while (my $line = <$in>) {
            push @long, "$file:$." if length $line > 81;    # with its newline
        }
    }

    ok(@files > 100, 'there are sources');
    is_deeply(\@long, [], 'none is longer');
};

subtest 'exported symbols' => sub {
    my @exported = sort map { (split)[-1] }
        qx(nm -D --defined-only build/ngx_http_para_auth_module.so);

    is_deeply(\@exported,
        [qw(ngx_module_names ngx_module_order ngx_modules)],
        'what nginx looks up, and nothing else');
};

done_testing();
