#!/usr/bin/perl

# The attack corpus against the core alone: t/corpus/verify.c says for each case
# which check refuses it.  What needs a clock of one's own, Para's answers and
# sets of keys are here too.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaCorpus;
use Test::More;

use IPC::Open2 qw(open2);
use JSON::PP   ();

use constant LEAST => 150;    # bad tokens

my $root = "$FindBin::Bin/..";
my $json = JSON::PP->new->ascii->canonical;

# t/mutants/run has one of its own.
my $verify = $ENV{PARA_CORPUS_VERIFY} // compiled("$PARA_DIR/verify");

sub compiled {
    my ($program) = @_;
    my $flags = '-std=c11 -g -O1 -Wall -Wextra -Werror'
        . ' -fsanitize=address,undefined -fno-sanitize-recover=all';

    system($ENV{CC} // 'cc', split(' ', $flags), "-I$root/src/core",
        '-o', $program, "$root/t/corpus/verify.c",
        glob("$root/src/core/*.c"), qw(-ljansson -lssl -lcrypto)) == 0
        or die "t/corpus/verify.c does not compile\n";

    return $program;
}

my $pid = open2(my $out, my $in, $verify);
$in->autoflush;

sub ask {
    my ($line) = @_;
    print {$in} $json->encode($line), "\n";
    my $answer = <$out> // '(it ended)';
    chomp $answer;
    return $answer;
}

my %providers = corpus_providers();
for my $name (sort keys %providers) {
    is(ask({provider => $name, issuers => $providers{$name}}), 'ready',
        "issuers of $name");
}

my %count;
for my $case (corpus_cases()) {
    my ($provider, $token, $now) = @$case{qw(provider token now)};
    $now //= time;

    my %line = (provider => $provider, now => int $now,
        token => ref $token ? $token->($now) : $token,
        map { defined $case->{$_} ? ($_ => $case->{$_}) : () }
            qw(answer match));

    my $reason = $case->{core} // $case->{reason};
    is(ask(\%line), $reason, "$provider: $case->{name}");
    $count{$reason}++;
}

is(ask({answer => $_->{text}}), $_->{reason}, "answer: $_->{name}")
    for corpus_answers();
is(ask({session => $_->{text}}), $_->{reason}, "session token: $_->{name}")
    for corpus_sessions();

for my $set (corpus_sets()) {
    my $answer = ask({keys => $set->{file}, kind => $set->{kind}});
    my $name = "keys: $set->{name}";

    if ($set->{refused}) {
        like($answer, qr/\Arefused: .*$set->{refused}/, $name);
    } elsif ($set->{left_out}) {
        like($answer, qr/\A$set->{keys} keys; .*$set->{left_out}/, $name);
    } else {
        is($answer, "$set->{keys} keys", $name);
    }
}

close $in;
waitpid $pid, 0;
is($?, 0, 'no sanitizer complains, nothing leaks');

my $good = delete $count{ok};
my $bad  = 0;
$bad += $_ for values %count;
cmp_ok($bad, '>=', LEAST, 'there are enough attacks');
diag(sprintf '%d tokens refused for %d reasons, %d accepted, %d answers, '
        . '%d sets of keys', $bad, scalar keys %count, $good,
    scalar(my @a = corpus_answers()), scalar(my @s = corpus_sets()));

done_testing();
